"""Small exports of the SIPRI trade register in both layouts, made up: the same deals in each."""

from __future__ import annotations

PREAMBLE = (
    "Transfers of major conventional arms from All countries to All countries. Deals with deliveries made\n"
    "A '?' in a column indicates uncertain data.\n"
    "\n"
    "Source: SIPRI Arms Transfers Database (c) SIPRI.\n"
)
OLD_HEADER = (
    "Recipient,Supplier,Year of order, ,Number ordered, ,Weapon designation,Weapon description,Number delivered, ,"
    "Year(s) of delivery,status,Comments,SIPRI TIV per unit,SIPRI TIV for total order,SIPRI TIV of delivered weapons\n"
)
OLD = (
    PREAMBLE
    + OLD_HEADER
    + (
        "Utopia,Soviet Union,1973,?,12,,MiG-21MF,fighter aircraft,12,?,1974; 1975,New,,1,1,1\n"
        "Utopia,Côte d'Ivoire,2001,,3,,T-55,tank,3,,2001,Second hand,,1,1,1\n"
        "Utopia,Czechoslovakia,1980,,8,,L-39ZO Albatros,trainer aircraft,8,,1981,New,Assembled in X,1,1,1\n"
        "Hezbollah (Lebanon)*,unknown supplier(s),2010,?,5,?,Fagot,anti-tank missile,5,?,2011,Second hand,,1,1,1\n"
        "Utopia,Russia,1999,,1,,X-Wing,FGA aircraft,1,,2000,Second hand but modernized,,1,1,1\n"
    )
)
NEW_HEADER = (
    "SIPRI AT Database ID,Supplier,Recipient,Designation,Description,Armament category,Order date,"
    "Order date is estimate,Numbers delivered,Numbers delivered is estimate,Delivery year,Delivery year is estimate,"
    "Status,SIPRI estimate,TIV deal unit,TIV delivery values,Local production\n"
)
NEW = (
    PREAMBLE
    + NEW_HEADER
    + (
        "1,Soviet Union,Utopia,MiG-21MF,fighter aircraft,Aircraft,1973,Yes,5,No,1974,No,New,1,1,1,No\n"
        "1,Soviet Union,Utopia,MiG-21MF,fighter aircraft,Aircraft,1973,Yes,7,Yes,1975,No,New,1,1,1,No\n"
        "2,Côte d'Ivoire,Utopia,T-55,tank,Armoured vehicles,2001,No,3,No,2001,No,Second hand,1,1,1,No\n"
        "3,Czechoslovakia,Utopia,L-39ZO Albatros,trainer aircraft,Aircraft,1980,No,8,No,1981,No,New,1,1,1,Yes\n"
        "4,unknown supplier(s),Hezbollah (Lebanon)*,Fagot,anti-tank missile,Missiles,2010,Yes,5,Yes,2011,No,"
        "Second hand,1,1,1,No\n"
        "5,Russia,Utopia,X-Wing,FGA aircraft,Aircraft,1999,No,1,No,2000,No,Second hand but modernized,1,1,1,No\n"
    )
)

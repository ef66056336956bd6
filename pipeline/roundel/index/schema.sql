-- Index of a case: what its packages hold, for questions over many videos. It is made from the packages and may be
-- deleted at any time. Keys are names, never numbers, so that its content does not depend on the order of work.

CREATE TABLE package (
    package         TEXT PRIMARY KEY,   -- place in the case: videos/<sha256>/<analysis>
    video           TEXT NOT NULL,      -- sha256:<64 hex>
    manifest_sha256 TEXT NOT NULL,
    failure         TEXT,               -- why the video cannot be read
    width           INTEGER,
    height          INTEGER,
    decoded_seconds REAL,
    missing_seconds REAL,
    analysed_frames INTEGER,
    tool_version    TEXT,
    weights_name    TEXT,
    config_sha256   TEXT,
    words           TEXT NOT NULL       -- what the package holds of the file itself, to be searched
) WITHOUT ROWID;

CREATE TABLE name (                     -- under which each video was received, from the custody log
    video TEXT NOT NULL,
    name  TEXT NOT NULL,
    path  TEXT NOT NULL,
    PRIMARY KEY (video, name, path)
) WITHOUT ROWID;

CREATE TABLE count (                    -- numbers of distinct objects of one video; never add them up over videos
    package  TEXT NOT NULL REFERENCES package ON DELETE CASCADE,
    class    TEXT NOT NULL,
    lower    INTEGER NOT NULL,
    estimate INTEGER NOT NULL,
    upper    INTEGER NOT NULL,
    PRIMARY KEY (package, class)
) WITHOUT ROWID;

CREATE TABLE sighting (
    package       TEXT NOT NULL REFERENCES package ON DELETE CASCADE,
    track         TEXT NOT NULL,
    shot          INTEGER NOT NULL,
    class         TEXT NOT NULL,
    score         REAL NOT NULL,
    start_seconds REAL NOT NULL,
    end_seconds   REAL NOT NULL,
    exemplar      TEXT,                 -- file within the package
    PRIMARY KEY (package, track)
) WITHOUT ROWID;
CREATE INDEX sighting_class ON sighting (class, score);

CREATE TABLE exemplar (                 -- pictures of sightings
    package TEXT NOT NULL REFERENCES package ON DELETE CASCADE,
    file    TEXT NOT NULL,              -- within the package
    track   TEXT NOT NULL,
    seconds REAL NOT NULL,
    sha256  TEXT NOT NULL,              -- as the manifest states it
    PRIMARY KEY (package, file)
) WITHOUT ROWID;

CREATE TABLE reading (                  -- writing as a machine read it, unchecked; track is NULL for captions
    package TEXT NOT NULL REFERENCES package ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    track   TEXT,
    seconds REAL NOT NULL,
    text    TEXT NOT NULL,
    confidence REAL NOT NULL,
    variants TEXT NOT NULL,             -- what it may say if its characters are alternatives of those read
    PRIMARY KEY (package, number)
) WITHOUT ROWID;

-- written: an FTS5 table over all of this that is in words, made by written.py where SQLite has FTS5.

"""Where objects come from: design, producers, holders and suppliers, each stated by itself."""

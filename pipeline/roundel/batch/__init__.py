"""An archive of videos into one case: a plan, engines that work through it, and a merge."""

"""Reading video: what a file is, what it says, and every frame of it. The only users of ffmpeg."""

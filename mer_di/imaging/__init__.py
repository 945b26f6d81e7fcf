"""From a file to a crop: frames, the face in them, and where it is placed."""

"""`assent demo`: the main job on embedded defaults, with visitors that are made up and everything else real."""

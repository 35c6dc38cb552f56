"""The books in other people's formats, so that tools nobody here wrote can check them: see README.md."""

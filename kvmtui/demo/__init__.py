"""Boot images of the project's own; assembled from the sources beside them by tools/build_demo.py."""

"""Boot images of the project's own; tools/build_demo.py assembles the sources beside them."""

#!/bin/sh
# The rules of the house (tests/tidy/tidy.py), by Debian's python whatever PATH says.
exec /usr/bin/python3 -B "$(dirname "$0")/tidy.py" "${1:-.}"

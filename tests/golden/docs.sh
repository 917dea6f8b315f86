#!/bin/sh
# What the README and the guide show must be true: their YAML is taken by
# meshd-conf, and every key of their tables is one that meshd-conf knows.
exec /usr/bin/python3 -B "$(dirname "$0")/docs.py"

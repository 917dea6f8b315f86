"""The longer network tests run by hand, on the helpers of the cluster tests."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), d) for d in ("cluster", "demo")]

"""story - how the demo speaks: what happens, when, and whether it kept its bound.

One line per event: the time since the start, what was seen, how long it took and
the bound it had to keep.  A missed bound is told, remembered, and ends in a
non-zero exit; the story goes on as far as it can.
"""
import os
import sys
import time

COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


class Story:
    def __init__(self):
        self.start = time.monotonic()
        self.missed = []
        self.kept = 0

    def now(self):
        return time.monotonic() - self.start

    def chapter(self, title):
        print(f"\n{paint('1', title)}", flush=True)

    def tell(self, text):
        print(f"{self.now():6.1f} s    {text}", flush=True)

    def show(self, text):
        """What a command printed, set apart."""
        for row in text.rstrip("\n").split("\n"):
            print(f"           {paint('2', '|')} {row}", flush=True)

    def fact(self, text, good, figure, bound):
        mark = paint("32", "✓") if good else paint("31", "✗")
        print(f"{self.now():6.1f} s  {mark} {text:<52} {figure:>9}   "
              f"{paint('2', 'bound ' + bound)}", flush=True)
        if good:
            self.kept += 1
        else:
            self.missed.append(f"{text}: {figure}, bound {bound}")

    def within(self, text, took_s, bound_s):
        figure = f"{took_s * 1000:.0f} ms" if took_s < 1 else f"{took_s:.2f} s"
        self.fact(text, took_s <= bound_s, figure, f"{bound_s:g} s")

    def never(self, text, bound_s, why):
        self.fact(text, False, "never", f"{bound_s:g} s")
        self.show(why)

    def end(self):
        print()
        if not self.missed:
            print(paint("32", f"All {self.kept} bounds kept") +
                  f", {self.now():.0f} s.", flush=True)
            return 0
        print(paint("31", f"{len(self.missed)} of "
                          f"{self.kept + len(self.missed)} bounds missed:"))
        for text in self.missed:
            print(f"  {text}")
        sys.stdout.flush()
        return 1

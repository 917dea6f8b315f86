"""load - a steady stream of plain HTTP requests, every one of them counted.

A new connection per request, as a careless client would: what fails, fails for
somebody.
"""
import http.client
import threading
import time


def get(address, port, timeout_s=3.0, path="/"):
    """(status, body); raises OSError or HTTPException."""
    c = http.client.HTTPConnection(address, port, timeout=timeout_s)
    try:
        c.request("GET", path)
        r = c.getresponse()
        return r.status, r.read().decode("utf-8", "replace")
    finally:
        c.close()


class Load:
    def __init__(self, fronts, threads=4, pause_s=0.02):
        self.fronts, self.pause_s = list(fronts), pause_s
        self.lock = threading.Lock()
        self.total, self.failed = 0, []
        self.running = True
        self.threads = [threading.Thread(target=self._work, args=(i,), daemon=True)
                        for i in range(threads)]
        for t in self.threads:
            t.start()

    def _work(self, i):
        while self.running:
            address, port = self.fronts[i % len(self.fronts)]
            i += 1
            when, error = time.monotonic(), None
            try:
                status, _ = get(address, port)
                if status != 200:
                    error = f"HTTP {status}"
            except (OSError, http.client.HTTPException) as e:
                error = f"{type(e).__name__}: {e}"
            with self.lock:
                self.total += 1
                if error is not None:
                    self.failed.append((when, address, error))
            time.sleep(self.pause_s)

    def stop(self):
        self.running = False
        for t in self.threads:
            t.join(5)
        return self.total, self.failed

"""A lease that the configuration asks for, on real clocks and a real disk."""
import pytest

from mesh import Missed, wait_until
from nets import made


@pytest.mark.parametrize("lease, ms", [("600ms", 600), ("5s", 5000)])
def test_a_lease_that_is_asked_for(lease, ms):
    with made(3, election={"lease": lease}) as net:
        leader = net.leader()

        def held():
            """Most of it is left, and never more than all: of auto, 1.5 s, neither is."""
            left = leader.ask("leader")["lease_ms"]
            if not 2 * ms / 3 <= left <= ms:
                raise Missed(str(left))
            return True
        wait_until("as it was asked for", held, 20)
        leader.kill_host()
        rest = net.others(leader)

        def led():
            said = {n.leader() for n in rest}
            return len(said) == 1 and said <= {n.name for n in rest}
        wait_until("another leads", led, 40)
        net.settle()

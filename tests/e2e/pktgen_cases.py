# SPDX-License-Identifier: Apache-2.0
"""The generator's calls through linehunt: thousands a second, each message checked."""

import json
import subprocess
import tempfile
import time
from pathlib import Path

from cases import case, check
from lab.balancer import ROOT, Balancer
from lab.configuration import BALANCER, CORE, Configuration
from lab.wire import Wire, address

PKTGEN = ROOT / "build/tools/pktgen/linehunt-pktgen"
BOXES = {1: {"vm": 5000}, 2: {"vm": 5000, "pstn": 5000}, 3: {"pstn": 5000}}


def at(number: int, ipv6: bool) -> str:
    return f"[{address(number, True)}]:5060" if ipv6 else f"{address(number)}:5060"


def words_for(device: str, result: Path, ipv6: bool) -> list:
    words = [str(PKTGEN), "--device", device, "--target", at(BALANCER, ipv6),
             "--caller", at(CORE, ipv6), "--call", "vm=VM_#######",
             "--call", "pstn=4930#######", "--quiet", "--json", str(result)]
    for number, resources in BOXES.items():
        words += ["--destination", f"{at(20 + number, ipv6)}={','.join(resources)}"]
    return words


def mbufs(balancer: Balancer) -> int:
    return balancer.ask("stats")["linehunt:mbufs_in_use"]


def generate(balancer: Balancer, folder: Path, device: str, prefix: list, load: list,
             ipv6: bool = False) -> None:
    before = mbufs(balancer)
    result = folder / "pktgen.json"
    told = subprocess.run([*prefix, *words_for(device, result, ipv6), *load], cwd=folder,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    said = f"exit status {told.returncode}\n{told.stdout}{told.stderr}\n{balancer.tail()}"
    check(told.returncode == 0, said)
    seen = json.loads(result.read_text(encoding="utf-8"))
    step = seen["steps"][0]
    check(step["calls_completed"] > 500, f"{step['calls_completed']} calls completed; {said}")
    check(step["calls_lost"] == step["lost_messages"] == step["wrong_messages"] == 0, said)
    check(step["trying_missing"] == 0, said)
    check(seen["mbufs"]["before"] == seen["mbufs"]["after"], f"mbufs {seen['mbufs']}; {said}")
    check(seen["frames"]["broken"] == 0, f"frames {seen['frames']}")
    check(balancer.wait_idle(5), f"loads remain: {balancer.loads()}")
    after = mbufs(balancer)
    check(after == before, f"linehunt had {before} mbufs in use before the calls, {after} after")


def flood(balancer: Balancer, folder: Path, device: str) -> None:
    """More than the device takes is dropped at a full port, like on a wire, and linehunt lets new
    calls go. On a busy machine the flood may have pauses, hence several tries."""
    result = folder / "flood.json"
    in_use = mbufs(balancer)
    for _ in range(20):
        subprocess.run([*words_for(device, result, False), "--rate", "2000000", "--seconds", "0.3",
                        "--warm-up", "0", "--max-calls", "1000000", "--deadline-ms", "100",
                        "--drop-when-full"],
                       cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        seen = json.loads(result.read_text(encoding="utf-8"))
        check(seen["mbufs"]["before"] == seen["mbufs"]["after"], f"mbufs {seen['mbufs']}")
        shed = balancer.ask("stats")["verdict:dropped_overload"]
        if shed and seen["frames"]["tx_dropped"] and seen["steps"][0]["calls_lost"]:
            break
    else:
        check(False, f"{shed} calls let go, {seen['frames']}")
    deadline = time.monotonic() + 10
    while mbufs(balancer) != in_use:
        check(time.monotonic() < deadline,
              f"linehunt had {in_use} mbufs in use before the flood, {mbufs(balancer)} after")
        time.sleep(0.1)


@case(alone=True)
def generated_calls_over_memif():
    """No hugepages and no network: both map the same memory."""
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name, Wire() as wire:
        folder = Path(name)
        # Room for a second of messages: on a busy machine either side may have to wait so long.
        memif = f"net_memif0,id=0,socket={folder}/memif.sock,socket-abstract=no,rsize=12,role="
        configuration = Configuration(folder, "memif", boxes=BOXES,
                                      port={"device": memif + "server"})
        balancer = Balancer(wire.add_host("lb", BALANCER), configuration)
        try:
            balancer.wait_ready()
            generate(balancer, folder, memif + "client", [],
                     ["--rate", "500", "--held", "1000", "--seconds", "2", "--warm-up", "0.2",
                      "--deadline-ms", "4000", "--lossy"])
            flood(balancer, folder, memif + "client")
            check(balancer.stop() == 0, f"linehunt did not end well:\n{balancer.tail()}")
        finally:
            balancer.stop()


@case(alone=True, ipv6=False)
@case(alone=True, ipv6=True)
def generated_calls_over_ethernet(ipv6: bool):
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name, Wire() as wire:
        folder = Path(name)
        balancer = Balancer(wire.add_device("lb", BALANCER),
                            Configuration(folder, "af_packet", boxes=BOXES, ipv6=ipv6))
        generator = wire.add_device("gen", CORE)
        try:
            balancer.wait_ready()
            generate(balancer, folder, "net_af_packet0,iface=eth0", generator.prefix(),
                     ["--rate", "500", "--total", "1000", "--hold", "0.1:0.4", "--deadline-ms",
                      "4000", "--lossy"], ipv6)
        finally:
            balancer.stop()


def blow(generator, folder: Path, rate: str) -> None:
    """Half a second, and whatever does not come through."""
    subprocess.run([*generator.prefix(),
                    *words_for("net_af_packet0,iface=eth0", folder / "flood.json", False),
                    "--rate", rate, "--seconds", "0.5", "--warm-up", "0", "--deadline-ms", "100",
                    "--drop-when-full"],
                   cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


def rx_counters(balancer: Balancer) -> dict:
    """Of the one port that there is."""
    return {key.split(":")[1]: value for key, value in balancer.statistics().items()
            if key.startswith("port_") and ":rx_" in key}


@case(alone=True)
def an_af_xdp_port_is_whole_after_a_flood():
    """A burst takes mbufs from the whole pool, and what the kernel cannot use never comes back."""
    with tempfile.TemporaryDirectory(prefix="linehunt-e2e-") as name, Wire() as wire:
        folder = Path(name)
        device = wire.add_device("lb", BALANCER)
        balancer = Balancer(device, Configuration(folder, "af_xdp", boxes=BOXES))
        generator = wire.add_device("gen", CORE)
        try:
            balancer.wait_ready()
            for _ in range(10):
                blow(generator, folder, "60000")
                if rx_counters(balancer)["rx_missed"]:
                    break
            before = balancer.statistics()["linehunt:rx_packets"]
            blow(generator, folder, "500")
            received = balancer.statistics()["linehunt:rx_packets"] - before
            check(received >= 200, f"{received} of 250 calls came in after the flood")
            told = subprocess.run([*device.prefix(), "ethtool", "-S", "eth0"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            drops = sum(int(line.split(":")[1]) for line in told.stdout.splitlines()
                        if line.strip().startswith("rx_queue_") and "_drops:" in line
                        and "xdp" not in line)
            counters = rx_counters(balancer)
            check(counters["rx_no_buffer"] == 0, f"frames that the kernel had no buffer for: {counters}")
            check(counters["rx_missed"] == drops > 0, f"{counters}, but ethtool has {drops} drops")
        finally:
            balancer.stop()

# SPDX-License-Identifier: Apache-2.0
"""The management interface as opensips-cli uses it, over every transport of a running linehunt."""

import json
import stat
import subprocess
import sys

from cases import case, check
from lab_setups import study_case
from mi_client import Datagram, Fifo, Http, Refused

HTTP = "127.0.0.1:8888"


def refused(client, *words: str) -> int:
    try:
        client.call(*words)
    except Refused as error:
        return error.code
    return 0


@case
def opensips_cli_drives_it_over_every_transport():
    with study_case(boxes={1: {"vm": 50}, 2: {"vm": 60, "conf/b": 3}}) as lab:
        fifo, replies, datagram = (lab.folder / name for name in ("mi_fifo", "replies", "mi.sock"))
        replies.mkdir()
        lab.configuration.admin = {"fifo": str(fifo), "fifo_reply_dir": str(replies),
                                   "datagram": str(datagram), "http": HTTP}
        balancer = lab.start_balancer()
        for path in (fifo, datagram):
            mode = stat.S_IMODE(path.stat().st_mode)
            check(mode == 0o600, f"{path.name} has mode {mode:o}")
        ways = [Http(lab.device, f"http://{HTTP}/mi"), Fifo(fifo, replies),
                Datagram(datagram, lab.folder)]
        for number, client in enumerate(ways):
            name = type(client).__name__
            listed = client.call("lb_list")["Destinations"]
            check([entry["id"] for entry in listed] == [1, 2], f"{name}: {listed}")
            check(client.call("lb_status", "1") == {"enable": "yes"}, f"{name}: lb_status")
            check(client.call("lb_status", "destination_id=1", "new_status=0") == "OK", name)
            check(balancer.ask("status", "1")["enable"] == "no", f"{name}: not disabled")
            check(client.call("load_balancer:status", "1", "1") == "OK", name)
            check(client.call("lb_resize", "2", "vm", str(70 + number)) == "OK", name)
            capacity = client.call("lb_list")["Destinations"][1]["Resources"][0]["max"]
            check(capacity == 70 + number, f"{name}: capacity {capacity}")
            check(client.call("lb_resize", "2", "conf/b", str(4 + number)) == "OK", name)
            conf = client.call("lb_list")["Destinations"][1]["Resources"][1]
            check((conf["name"], conf["max"]) == ("conf/b", 4 + number), f"{name}: {conf}")
            check(refused(client, "lb_status", "99") == 404, f"{name}: destination 99")
            check(refused(client, "lb_resize", "2", "fax", "1") == 404, f"{name}: resource fax")
            check(refused(client, "lb_status", "one") == -32602, f"{name}: destination 'one'")
            check(refused(client, "lb_status") == -32602, f"{name}: no parameter")
            check(client.execute("which", {"command": "lb_status"}) ==
                  [["destination_id"], ["destination_id", "new_status"]], f"{name}: recipes")
            check(client.call("get_statistics", "dialog:active_dialogs", "load_balancer:") != {},
                  f"{name}: statistics")
            check(client.call("dlg_list") == {"Dialogs": []}, f"{name}: dlg_list")
            check(client.call("log_level", "4") == {"New global log level": 4}, name)
            check(client.call("log_level")["Processes"][0]["Log level"] == 4, name)
            client.call("log_level", "3")
            check("linehunt" in client.call("version")["Server"], name)
            check("[sec]" in client.call("uptime")["Up time"], name)
            check(len(client.call("ps")["Processes"]) == 2, f"{name}: ps")
            check(client.call("lb_reload") == "OK", f"{name}: lb_reload")
        check(balancer.stop() == 0, balancer.tail())
        for path in (fifo, datagram):
            check(not path.exists(), f"{path.name} is left behind")


# It is told at once, so its request may find nobody there any more.
SAY = """import contextlib, socket, sys
with socket.socket(socket.AF_UNIX) as one:
    one.connect(sys.argv[1])
    with contextlib.suppress(BrokenPipeError):
        one.sendall(b'{"jsonrpc":"2.0","id":1,"method":"lb_status","params":[1,0]}\\n')
    print(one.makefile().readline())
"""


@case
def another_user_is_refused_whatever_the_mode_of_the_socket():
    with study_case(boxes={1: {"vm": 50}}) as lab:
        balancer = lab.start_balancer()
        path = lab.configuration.socket
        check(stat.S_IMODE(path.stat().st_mode) == 0o600, "others may connect")
        # As if somebody had opened it.
        lab.folder.chmod(0o755)
        path.chmod(0o666)
        told = subprocess.run([sys.executable, "-c", SAY, str(path)], user="nobody", group="nogroup",
                              extra_groups=[], cwd="/", stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20)
        check(told.returncode == 0, told.stderr)
        error = json.loads(told.stdout)["error"]
        check("Only the owner" in error["data"], f"{error}")
        check(balancer.ask("status", "1")["enable"] == "yes", "another user has disabled it")
        check(balancer.statistics()["admin:socket_clients_refused"] == 1, "it is not counted")

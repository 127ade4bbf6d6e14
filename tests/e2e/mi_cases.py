# SPDX-License-Identifier: Apache-2.0
"""The management interface as opensips-cli uses it, over every transport of a running linehunt."""

import stat

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
    with study_case(boxes={1: {"vm": 50}, 2: {"vm": 60}}) as lab:
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

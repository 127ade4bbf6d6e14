# SPDX-License-Identifier: Apache-2.0
"""Kamailio as Debian ships it, set up to do what linehunt does in the measurement, and nothing else.
The package is unpacked and never installed: its installation would start a SIP server on this
machine."""

import subprocess
from pathlib import Path

from .machine import BUILD, BenchError, wait_for
from .programs import DEVICE, KINDS, Cast, Device

UNPACKED = BUILD / "kamailio"

RECEIVE_BUFFER = 8 * 2**20  # bytes; the kernel's usual limit holds less than 200 messages

SCRIPT = """#!KAMAILIO
debug=-1
log_stderror=no
memlog=5
memdbg=5
children=1
disable_tcp=yes
maxbuffer=RECEIVE_BUFFER
auto_aliases=no
dns=no
rev_dns=no
listen=udp:DEVICE:5060
mpath="MODULES"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "dispatcher.so"
modparam("rr", "append_fromtag", 0)
modparam("tm", "fr_timer", 5000)
modparam("tm", "fr_inv_timer", 120000)
modparam("dispatcher", "list_file", "FOLDER/dispatcher.list")
modparam("dispatcher", "ds_hash_size", 16)
modparam("dispatcher", "ds_hash_expire", 7200)

request_route {
  if (!mf_process_maxfwd_header("70")) {
    sl_send_reply("483", "Too Many Hops");
    exit;
  }
  if (has_totag()) {
    if (!loose_route()) {
      if (is_method("ACK")) {
        if (t_check_trans()) { t_relay(); }
        exit;
      }
      sl_send_reply("481", "Call Does Not Exist");
      exit;
    }
    if (is_method("BYE")) { ds_load_unset(); }
    t_relay();
    exit;
  }
  if (is_method("CANCEL")) {
    if (t_check_trans()) { t_relay(); }
    exit;
  }
  if (!is_method("INVITE")) {
    sl_send_reply("405", "Method Not Allowed");
    exit;
  }
  record_route();
  if ($rU =~ "^VM_") {
    if (!ds_select_dst("VM_SET", "10")) { sl_send_reply("500", "Service full"); exit; }
  } else if ($rU =~ "^[0-9]+$") {
    if (!ds_select_dst("PSTN_SET", "10")) { sl_send_reply("500", "Service full"); exit; }
  } else {
    sl_send_reply("404", "Destination not found");
    exit;
  }
  t_on_reply("ANSWERED");
  t_on_failure("FAILED");
  t_relay();
}

onreply_route[ANSWERED] {
  if (t_check_status("200")) { ds_load_update(); }
}

failure_route[FAILED] {
  ds_load_unset();
}
"""


def unpacked_kamailio() -> Path:
    """Where its program is; fetches the package on the first use."""
    program = UNPACKED / "usr/sbin/kamailio"
    if program.exists():
        return program
    UNPACKED.mkdir(parents=True, exist_ok=True)
    told = subprocess.run(["apt-get", "-q", "download", "kamailio"], cwd=UNPACKED,
                          capture_output=True, text=True)
    package = next(UNPACKED.glob("kamailio_*.deb"), None)
    if told.returncode != 0 or not package:
        raise BenchError(f"the package kamailio cannot be fetched: {told.stderr.strip()}")
    subprocess.run(["dpkg", "-x", str(package), str(UNPACKED)], check=True)
    package.unlink()
    return program


def start_kamailio(folder, program: Path, cast: Cast, allocator: str, prefix: tuple) -> Device:
    """One worker process, no log lines, `allocator` for shared and private memory."""
    modules = next(UNPACKED.glob("usr/lib/*/kamailio/modules"))
    sets = {name: number for number, name in enumerate(KINDS, 1)}
    lines = [f"{sets[kind]} sip:{address}:{port} 0 0 duid={kind}{number};maxload=2000000"
             for number, (address, port, offers) in enumerate(cast.destinations())
             for kind in offers]
    (folder.path / "dispatcher.list").write_text("\n".join(lines) + "\n")
    script = SCRIPT.replace("DEVICE", DEVICE).replace("MODULES", str(modules))
    script = script.replace("RECEIVE_BUFFER", str(RECEIVE_BUFFER))
    script = script.replace("FOLDER", str(folder.path)).replace("VM_SET", str(sets["vm"]))
    script = script.replace("PSTN_SET", str(sets["pstn"]))
    file, log = folder.path / "kamailio.cfg", folder.path / "kamailio.log"
    file.write_text(script)
    libraries = f"LD_LIBRARY_PATH={modules.parent}"
    words = ["env", libraries, str(program), "-f", str(file), "-DD", "-E", "-m", "2048", "-M", "64",
             "-x", allocator, "-X", allocator, "-Y", str(folder.path),
             "-P", str(folder.path / "kamailio.pid")]
    with open(log, "wb") as output:
        process = subprocess.Popen([*prefix, *words], cwd=folder.path, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output)
    started = Device("kamailio", process, log)

    def ready() -> bool:
        started.must_run()
        return len(started.pids()) >= 4

    try:
        wait_for(ready, 20, f"kamailio was not ready after 20 s:\n{started.tail()}")
    except BaseException:
        started.close()
        raise
    return started

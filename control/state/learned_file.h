// SPDX-License-Identifier: Apache-2.0
// What others have told while linehunt ran, and what it starts with where they are silent then:
// addresses of names, and heartbeats. A file of JSON, in which times are ages.
#pragma once

#include "control/heartbeat/heartbeats.h"
#include "control/resolver/resolver.h"
#include "control/state/moment.h"

#include <string>
#include <sys/types.h>
#include <tl/expected.hpp>
#include <unistd.h>
#include <vector>

namespace linehunt {

struct learned {
  std::vector<dns::known_name> names, socket_names; // of SIP URIs, and of event sockets
  std::vector<heartbeat::known_beat> beats;
  friend bool operator==(const learned&, const learned&) = default;
};

// Empty: the file says that now, and the system brings it to the disk when it likes. Else what went
// wrong.
[[nodiscard]] std::string keep_learned(const std::string& path, const learned& what,
                                       const moment& now = moment::now());
// Nothing where there is no file. The error says why it cannot be read; see open_state_file for
// `user`.
[[nodiscard]] tl::expected<learned, std::string> kept_learned(const std::string& path,
                                                              const moment& now = moment::now(),
                                                              ::uid_t user = ::geteuid());

} // namespace linehunt

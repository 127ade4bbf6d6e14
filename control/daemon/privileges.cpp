// SPDX-License-Identifier: Apache-2.0
// See privileges.h.
#include "control/daemon/privileges.h"

#include <cap-ng.h>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>
#include <vector>

namespace linehunt {

tl::expected<account, std::string> account_named(const std::string& name) {
  std::vector<char> room(16384);
  passwd entry{};
  passwd* found = nullptr;
  const int failure = ::getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found);
  if (found == nullptr)
    return tl::unexpected(
        fmt::format("[service] user '{}' {}; `useradd --system {}` makes one, or leave 'user' out",
                    name, failure == 0 ? "does not exist" : std::strerror(failure), name));
  if (::geteuid() != 0 && ::geteuid() != found->pw_uid)
    return tl::unexpected(fmt::format("[service] user '{}': only root can become another user; "
                                      "start it as root or leave 'user' out",
                                      name));
  return account{name, found->pw_uid, found->pw_gid};
}

tl::expected<void, std::string> become(const account& whom) {
  if (::geteuid() == whom.user) return {};
  capng_clear(CAPNG_SELECT_BOTH);
  const auto kept = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);
  int failure = capng_updatev(CAPNG_ADD, kept, CAP_NET_ADMIN, CAP_NET_RAW, -1);
  // glibc takes all threads along when it changes users; what a thread may keep across that is its
  // own matter, and only this one asks to.
  if (failure == 0)
    failure =
        capng_change_id(static_cast<int>(whom.user), static_cast<int>(whom.group),
                        static_cast<capng_flags_t>(CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
  if (failure != 0)
    return tl::unexpected(fmt::format("[service] user '{}': cannot become it ({}); does the "
                                      "service keep CAP_SETUID, CAP_SETGID and CAP_SETPCAP?",
                                      whom.name, failure));
  return {};
}

void hand_over(const std::string& file, const account& whom) noexcept {
  // Not through a link that somebody has laid. Where it fails, the file stays behind at the end.
  if (::lchown(file.c_str(), whom.user, whom.group) != 0) return;
}

} // namespace linehunt

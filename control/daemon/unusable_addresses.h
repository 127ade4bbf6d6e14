// SPDX-License-Identifier: Apache-2.0
// Which addresses that no call can go to are behind which names, so that each is told once, and not
// with every snapshot. Belongs to the control thread.
#pragma once

#include "dataplane/address.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace linehunt {

class unusable_addresses {
 public:
  // True: it was not there when the name was last looked at, so it is news.
  [[nodiscard]] bool add(const std::string& name, const endpoint& address) {
    std::vector<endpoint>& all = now_[name];
    const bool twice = std::ranges::find(all, address) != all.end();
    if (!twice) all.push_back(address);
    const auto before = before_.find(name);
    return !twice && (before == before_.end() ||
                      std::ranges::find(before->second, address) == before->second.end());
  }
  // A snapshot has been published: what its names did not have is forgotten.
  void keep() { before_ = std::exchange(now_, {}); }

 private:
  std::map<std::string, std::vector<endpoint>> before_, now_;
};

} // namespace linehunt

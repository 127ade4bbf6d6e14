// SPDX-License-Identifier: Apache-2.0
// The file by which a Unix socket or a FIFO is found: makes its folder, removes one that is left
// from before, and never one that somebody uses or that is something else.
#pragma once

#include <string>

namespace linehunt::admin {

enum class file_kind { stream_socket, datagram_socket, fifo };

// `title` begins messages: "admin socket /run/x.sock". The error is a whole message that says what
// to do; empty: the path is free now.
[[nodiscard]] std::string clear_way(const std::string& title, const std::string& path,
                                    file_kind kind);

} // namespace linehunt::admin

// SPDX-License-Identifier: Apache-2.0
// The bodies of Boost.Asio and Boost.Beast, compiled once: every other file has declarations only,
// which is a third less to compile.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>

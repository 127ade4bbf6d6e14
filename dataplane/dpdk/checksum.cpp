// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk/checksum.h"

namespace linehunt::dpdk {

namespace {

std::uint16_t fold(std::uint32_t sum) noexcept {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

} // namespace

std::uint16_t pseudo_header_sum(const ip_address& source, const ip_address& destination,
                                std::uint8_t protocol, std::uint32_t len_bytes) noexcept {
  const std::size_t size = source.size_bytes();
  std::uint32_t sum = rte_raw_cksum(source.bytes.data(), size);
  sum += rte_raw_cksum(destination.bytes.data(), size);
  sum += rte_cpu_to_be_16(protocol);
  sum += rte_cpu_to_be_16(static_cast<std::uint16_t>(len_bytes >> 16));
  sum += rte_cpu_to_be_16(static_cast<std::uint16_t>(len_bytes & 0xffff));
  return fold(sum);
}

bool transport_sum_ok(const rte_mbuf& m, std::uint32_t off_bytes, std::uint32_t len_bytes,
                      std::uint16_t pseudo_sum) noexcept {
  std::uint16_t sum = 0;
  if (rte_raw_cksum_mbuf(&m, off_bytes, len_bytes, &sum) != 0) return false;
  return fold(std::uint32_t{sum} + pseudo_sum) == 0xffff;
}

std::uint16_t transport_checksum(std::span<const std::uint8_t> bytes,
                                 std::uint16_t pseudo_sum) noexcept {
  const auto sum = fold(std::uint32_t{rte_raw_cksum(bytes.data(), bytes.size())} + pseudo_sum);
  const auto inverted = static_cast<std::uint16_t>(~sum);
  return inverted == 0 ? 0xffff : inverted;
}

bool header_sum_ok(const rte_ipv4_hdr& ip) noexcept {
  return rte_raw_cksum(&ip, rte_ipv4_hdr_len(&ip)) == 0xffff;
}

} // namespace linehunt::dpdk

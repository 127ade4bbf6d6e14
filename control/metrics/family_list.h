// SPDX-License-Identifier: Apache-2.0
// Metric families of prometheus-cpp, put together line by line. Each is written as text when the
// next begins: those of many destinations take more memory than their text.
#pragma once

#include <atomic>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace linehunt::metrics {

using labels = std::vector<prometheus::ClientMetric::Label>;

class family_list {
 public:
  family_list() = default;
  // Nothing more is put together once `given_up` is true, which another thread may make it.
  explicit family_list(const std::atomic<bool>& given_up) : given_up_(&given_up) {}

  // What is added next belongs to this family.
  family_list& counter(std::string name, std::string help) {
    return open(std::move(name), std::move(help), prometheus::MetricType::Counter);
  }
  family_list& gauge(std::string name, std::string help) {
    return open(std::move(name), std::move(help), prometheus::MetricType::Gauge);
  }
  family_list& histogram(std::string name, std::string help) {
    return open(std::move(name), std::move(help), prometheus::MetricType::Histogram);
  }

  template <typename Number>
  family_list& add(labels of, Number value) {
    if (is_given_up()) return *this;
    prometheus::MetricFamily& family = at_hand_.back();
    prometheus::ClientMetric& one = family.metric.emplace_back();
    one.label = std::move(of);
    const bool rises = family.type == prometheus::MetricType::Counter;
    (rises ? one.counter.value : one.gauge.value) = static_cast<double>(value);
    return *this;
  }
  family_list& add(labels of, prometheus::ClientMetric::Histogram value) {
    if (is_given_up()) return *this;
    prometheus::ClientMetric& one = at_hand_.back().metric.emplace_back();
    one.label = std::move(of);
    one.histogram = std::move(value);
    return *this;
  }

  // All of them, once.
  [[nodiscard]] std::string text() {
    write();
    return std::move(written_).str();
  }

 private:
  [[nodiscard]] bool is_given_up() const noexcept {
    return given_up_ != nullptr && given_up_->load(std::memory_order_relaxed);
  }
  family_list& open(std::string name, std::string help, prometheus::MetricType type) {
    write();
    at_hand_.push_back({std::move(name), std::move(help), type, {}});
    return *this;
  }
  void write() {
    if (!is_given_up()) prometheus::TextSerializer{}.Serialize(written_, at_hand_);
    at_hand_.clear();
  }

  const std::atomic<bool>* given_up_ = nullptr;
  std::vector<prometheus::MetricFamily> at_hand_; // one, or none yet
  std::ostringstream written_;
};

} // namespace linehunt::metrics

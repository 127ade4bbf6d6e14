// SPDX-License-Identifier: Apache-2.0
// Metric families of prometheus-cpp, put together line by line.
#pragma once

#include <cstdint>
#include <prometheus/metric_family.h>
#include <string>
#include <utility>
#include <vector>

namespace linehunt::metrics {

using labels = std::vector<prometheus::ClientMetric::Label>;

class family_list {
 public:
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
    prometheus::MetricFamily& family = all_.back();
    prometheus::ClientMetric& one = family.metric.emplace_back();
    one.label = std::move(of);
    const bool rises = family.type == prometheus::MetricType::Counter;
    (rises ? one.counter.value : one.gauge.value) = static_cast<double>(value);
    return *this;
  }
  family_list& add(labels of, prometheus::ClientMetric::Histogram value) {
    prometheus::ClientMetric& one = all_.back().metric.emplace_back();
    one.label = std::move(of);
    one.histogram = std::move(value);
    return *this;
  }

  [[nodiscard]] const std::vector<prometheus::MetricFamily>& all() const noexcept { return all_; }

 private:
  family_list& open(std::string name, std::string help, prometheus::MetricType type) {
    all_.push_back({std::move(name), std::move(help), type, {}});
    return *this;
  }
  std::vector<prometheus::MetricFamily> all_;
};

} // namespace linehunt::metrics

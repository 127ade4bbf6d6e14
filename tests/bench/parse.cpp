// SPDX-License-Identifier: Apache-2.0
// bench_parse: what one message costs, from its bytes to the routing view, for each kernel, and
// for libosip2 and sofia-sip. All contenders must agree on every message before one is timed.
#include "measure.h"
#include "parse_contenders.h"
#include "parse_messages.h"

#include "sipparse/scan.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

namespace {

using namespace linehunt;
using namespace linehunt::bench;

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

std::vector<sip::kernel> supported_kernels() {
  std::vector<sip::kernel> kernels;
  for (const auto k :
       {sip::kernel::scalar, sip::kernel::sse42, sip::kernel::avx2, sip::kernel::avx512})
    if (sip::kernel_supported(k)) kernels.push_back(k);
  return kernels;
}

void print_summary(const char* who, const std::optional<summary>& s) {
  if (!s) {
    std::fprintf(stderr, "  %-9s refused it\n", who);
    return;
  }
  std::fprintf(stderr,
               "  %-9s '%s' %u via %s '%s' %u '%s' call-id '%s' tags '%s' '%s' cseq %u '%s' "
               "max-forwards %u route '%s' length %u\n",
               who, s->method.c_str(), s->status, s->transport.c_str(), s->via_host.c_str(),
               s->via_port, s->branch.c_str(), s->call_id.c_str(), s->from_tag.c_str(),
               s->to_tag.c_str(), s->cseq, s->cseq_method.c_str(), s->max_forwards,
               s->top_route.c_str(), s->content_length);
}

bool all_agree(const std::vector<sample>& samples) {
  bool agree = true;
  for (const auto& m : samples) {
    const auto osip = read_osip(m.bytes);
    const auto sofia = read_sofia(m.bytes);
    for (const auto k : supported_kernels()) {
      if (!sip::use_kernel(k)) return false;
      const auto ours = read_linehunt(m.bytes);
      if (ours && ours == osip && ours == sofia) continue;
      std::fprintf(stderr, "%s: the parsers disagree (kernel %s)\n", m.name.c_str(),
                   std::string(sip::name_of(k)).c_str());
      print_summary("linehunt", ours);
      print_summary("osip", osip);
      print_summary("sofia", sofia);
      agree = false;
    }
  }
  return agree;
}

class report {
 public:
  void add(const std::string& message, std::size_t bytes, const std::string& contender,
           const timing& t) {
    const double per_byte = t.median_ns / static_cast<double>(bytes);
    std::printf("%-15s %5zu  %-16s %9.1f %9.1f %6.1f%% %8.3f %8.2f %9.0f\n", message.c_str(), bytes,
                contender.c_str(), t.median_ns, t.least_ns, 100 * t.spread(), per_byte,
                1 / per_byte, t.tsc_cycles);
    rows_.push_back({{"message", message},
                     {"bytes", bytes},
                     {"contender", contender},
                     {"median_ns", t.median_ns},
                     {"least_ns", t.least_ns},
                     {"p10_ns", t.p10_ns},
                     {"p90_ns", t.p90_ns},
                     {"ns_per_byte", per_byte},
                     {"bytes_per_ns", 1 / per_byte},
                     {"tsc_cycles", t.tsc_cycles}});
  }
  static void print_heading() {
    std::printf("%-15s %5s  %-16s %9s %9s %7s %8s %8s %9s\n", "message", "bytes", "parser",
                "ns/msg", "least", "p10-p90", "ns/byte", "byte/ns", "tsc");
  }
  [[nodiscard]] const nlohmann::json& rows() const { return rows_; }

 private:
  nlohmann::json rows_ = nlohmann::json::array();
};

// What a worker sees: the shapes in no order that a branch predictor could learn, each at an
// address of its own.
std::vector<std::string_view> shuffled(const std::vector<sample>& samples, std::string& store) {
  std::mt19937 random(20240611); // any fixed seed
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < 256; ++i)
    order.push_back(random() % samples.size());
  for (const auto i : order)
    store += samples[i].bytes;
  std::vector<std::string_view> messages;
  std::size_t at = 0;
  for (const auto i : order) {
    messages.push_back(std::string_view(store).substr(at, samples[i].bytes.size()));
    at += samples[i].bytes.size();
  }
  return messages;
}

} // namespace

int main(int argc, char** argv) {
  bool quick = false;
  std::string json_file;
  CLI::App app("Cost of parsing a SIP message, against libosip2 and sofia-sip", "bench_parse");
  app.add_flag("--quick", quick, "fewer and shorter samples, wider spread");
  app.add_option("--json", json_file, "write the figures to this file as JSON, too");
  CLI11_PARSE(app, argc, argv);

  prepare_osip();
  const auto samples = sample_messages();
  if (!all_agree(samples)) {
    std::fprintf(stderr, "bench_parse: nothing was timed, since the parsers do not agree\n");
    return 1;
  }
  std::printf("%s, best kernel %s\n", processor_name().c_str(),
              std::string(sip::name_of(sip::best_kernel())).c_str());
  std::printf("linehunt, osip and sofia agree on all fields of %zu messages\n\n", samples.size());
  report::print_heading();

  report figures;
  nlohmann::json ratios = nlohmann::json::object();
  double least_ratio = 1e9;
  double most_per_byte = 0;
  const auto time_all = [&](const std::string& name, std::size_t bytes,
                            const std::vector<std::string_view>& messages) {
    std::vector<std::string> names;
    std::vector<contender> contenders;
    const auto add = [&](std::string contender_name, auto parse, sip::kernel kernel) {
      names.push_back(std::move(contender_name));
      contenders.push_back({[kernel] { (void)sip::use_kernel(kernel); },
                            [parse, &messages](std::uint64_t times) {
                              for (; times > 0; --times)
                                for (const auto m : messages)
                                  keep(parse(m));
                            }});
    };
    for (const auto k : supported_kernels())
      add(
          "linehunt/" + std::string(sip::name_of(k)),
          [](std::string_view m) { return parse_linehunt(m); }, k);
    const auto best = sip::best_kernel();
    add(
        "memchr lines", [](std::string_view m) { return count_lines(m); }, best);
    add(
        "osip", [](std::string_view m) { return parse_osip(m); }, best);
    add(
        "sofia", [](std::string_view m) { return parse_sofia(m); }, best);

    auto timings = measure(contenders, quick);
    for (std::size_t i = 0; i < timings.size(); ++i) {
      const auto count = static_cast<double>(messages.size());
      timings[i].median_ns /= count;
      timings[i].least_ns /= count;
      timings[i].p10_ns /= count;
      timings[i].p90_ns /= count;
      timings[i].tsc_cycles /= count;
      figures.add(name, bytes, names[i], timings[i]);
    }
    const std::size_t last = timings.size() - 1;
    const double ours = timings[last - 3].median_ns; // of the widest kernel
    const double ratio = std::min(timings[last].median_ns, timings[last - 1].median_ns) / ours;
    least_ratio = std::min(least_ratio, ratio);
    most_per_byte = std::max(most_per_byte, ours / static_cast<double>(bytes));
    ratios[name] = ratio;
    std::printf("%-15s %5s  the faster library takes %.1f times as long\n\n", "", "", ratio);
  };

  for (const auto& m : samples)
    time_all(m.name, m.bytes.size(), {m.bytes});
  std::string store;
  const auto mix = shuffled(samples, store);
  time_all("shuffled", store.size() / mix.size(), mix);

  std::printf("worst: %.3f ns per byte; %.1f times as fast as the faster library\n", most_per_byte,
              least_ratio);
  if (!json_file.empty()) {
    std::ofstream out(json_file);
    out << nlohmann::json{{"processor", processor_name()},
                          {"best_kernel", sip::name_of(sip::best_kernel())},
                          {"worst_ns_per_byte", most_per_byte},
                          {"least_ratio", least_ratio},
                          {"ratios", ratios},
                          {"rows", figures.rows()}}
               .dump(1)
        << '\n';
    if (!out) {
      std::fprintf(stderr, "bench_parse: cannot write %s\n", json_file.c_str());
      return 1;
    }
  }
  return 0;
}

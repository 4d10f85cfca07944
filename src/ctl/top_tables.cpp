#include "ctl/top_tables.h"

#include <algorithm>
#include <functional>
#include <tuple>

#include "ctl/json_fields.h"
#include "net/prefix.h"
#include "util/json.h"
#include "util/printable.h"

namespace afxfw {
namespace {

using Sort = TopView::Sort;

constexpr double kBitsPerByte = 8;

/// How fast counters grow from one sample to the next, by afxfw's own clock.
class Change {
 public:
  Change(const TopSample* before, const TopSample& now)
      : seconds_(before == nullptr
                     ? 0
                     : real(now.status, "uptime_s") - real(before->status, "uptime_s")) {}

  [[nodiscard]] Rate rate(std::uint64_t before, std::uint64_t now) const {
    if (seconds_ <= 0) return std::nullopt;
    // It was set to 0 meanwhile if it is less.
    return static_cast<double>(now >= before ? now - before : now) / seconds_;
  }
  [[nodiscard]] Rate rate(const Json& before, const Json& now, const char* name) const {
    return rate(number(before, name), number(now, name));
  }
  [[nodiscard]] bool known() const { return seconds_ > 0; }

 private:
  double seconds_;
};

Rate scaled_by(double factor, Rate rate) { return rate ? Rate(*rate * factor) : rate; }

/// Of a list of objects, the first that fits; an empty one if there is none.
const Json& find(const Json& list, const std::function<bool(const Json&)>& fits) {
  static const Json kNothing = Json::object();
  const auto found = std::find_if(list.begin(), list.end(), fits);
  return found == list.end() ? kNothing : *found;
}

const Json& status_member(const TopSample* sample, const char* name) {
  static const Json kNothing = Json::object();
  return sample == nullptr ? kNothing : member(sample->status, name);
}

void set_rates(TopQueue& queue, const Change& change, const Json& before, const Json& now) {
  queue.received_in_all = number(now, "received");
  if (!change.known() || before.empty()) {
    const Json& rates = member(now, "rates");
    queue.received = real(rates, "received");
    queue.accepted = real(rates, "accepted");
    queue.dropped = real(rates, "dropped");
    queue.reinjected = real(rates, "reinjected");
    queue.bits = real(rates, "bits");
    return;
  }
  queue.received = change.rate(before, now, "received");
  queue.accepted = change.rate(before, now, "accepted");
  queue.dropped = change.rate(before, now, "dropped");
  queue.reinjected = change.rate(before, now, "reinjected");
  queue.bits = scaled_by(kBitsPerByte, change.rate(before, now, "bytes"));
}

std::uint64_t kernel_drops(const Json& queue) {
  const Json& kernel = member(queue, "kernel");
  return number(kernel, "rx_dropped") + number(kernel, "rx_ring_full");
}

/// IPv4 first, each family by number.
std::tuple<bool, Ipv6Bits> address_order(const std::string& address) {
  if (const auto ipv4 = parse_ipv4(address)) return {false, *ipv4};
  return {true, parse_ipv6(address).value_or(0)};
}

template <typename Row, typename Key>
void sort_by(std::vector<Row>& rows, Key key) {
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row& a, const Row& b) { return key(a) > key(b); });
}

}  // namespace

std::vector<TopQueue> top_queues(const TopSample* before, const TopSample& now) {
  const Change change(before, now);
  std::vector<TopQueue> rows;
  for (const Json& queue : status_member(&now, "queues")) {
    TopQueue row;
    row.number = number(queue, "queue");
    row.label = std::to_string(row.number);
    row.cpu = std::to_string(number(queue, "cpu"));
    row.zero_copy = flag(queue, "zero_copy") ? "yes" : "no";
    const Json& earlier = find(status_member(before, "queues"), [&](const Json& each) {
      return number(each, "queue") == row.number;
    });
    set_rates(row, change, earlier, queue);
    row.kernel_drops = change.rate(kernel_drops(earlier), kernel_drops(queue));
    rows.push_back(std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const TopQueue& a, const TopQueue& b) { return a.number < b.number; });
  return rows;
}

TopQueue top_total(const TopSample* before, const TopSample& now) {
  const Change change(before, now);
  TopQueue row;
  row.label = "all";
  const Json& earlier = status_member(before, "total");
  const Json& total = status_member(&now, "total");
  set_rates(row, change, earlier, total);
  row.kernel_drops = change.rate(earlier, total, "kernel_drops");
  return row;
}

std::vector<TopRule> top_rules(const TopSample* before, const TopSample& now, Sort sort) {
  const Change change(before, now);
  std::vector<TopRule> rows;
  for (const Json& rule : status_member(&now, "rules")) {
    if (!member(rule, "packets").is_number_unsigned()) continue;
    TopRule row;
    row.handle = number(rule, "handle");
    row.text = printable(text(rule, "text"));
    row.packets_in_all = number(rule, "packets");
    const Json& earlier = find(status_member(before, "rules"), [&](const Json& each) {
      return number(each, "handle") == row.handle && text(each, "chain") == text(rule, "chain");
    });
    row.packets = change.rate(earlier, rule, "packets");
    row.bits = scaled_by(kBitsPerByte, change.rate(earlier, rule, "bytes"));
    rows.push_back(std::move(row));
  }
  switch (sort) {
    case Sort::kPackets:
      sort_by(rows, [](const TopRule& row) { return std::tuple(row.packets, row.packets_in_all); });
      break;
    case Sort::kBits:
      sort_by(rows, [](const TopRule& row) { return std::tuple(row.bits, row.packets_in_all); });
      break;
    case Sort::kTotal:
      sort_by(rows, [](const TopRule& row) { return row.packets_in_all; });
      break;
    case Sort::kNumber:
      break;
  }
  return rows;
}

std::vector<TopSource> top_sources(const TopSample& now, Sort sort) {
  std::vector<TopSource> rows;
  for (const Json& source : member(now.sources, "sources")) {
    TopSource row;
    row.address = printable(text(source, "address"));
    row.reason = printable(text(source, "reason"));
    const std::uint64_t packets = number(source, "packets");
    row.error = std::min(number(source, "error_packets"), packets);
    row.at_least = packets - row.error;
    row.rate = real(source, "rate");
    rows.push_back(std::move(row));
  }
  if (sort == Sort::kNumber) {
    std::stable_sort(rows.begin(), rows.end(), [](const TopSource& a, const TopSource& b) {
      return address_order(a.address) < address_order(b.address);
    });
  } else if (sort == Sort::kTotal) {
    sort_by(rows, [](const TopSource& row) { return row.at_least; });
  } else {
    sort_by(rows, [](const TopSource& row) { return std::tuple(row.rate, row.at_least); });
  }
  return rows;
}

TopInline top_inline(const TopSample* before, const TopSample& now) {
  const Change change(before, now);
  const Json& earlier = status_member(before, "inline");
  const Json& counters = status_member(&now, "inline");
  const std::uint64_t dropped_before = number(earlier, "drop") + number(earlier, "malformed");
  return {.passed = change.rate(earlier, counters, "pass"),
          .dropped =
              change.rate(dropped_before, number(counters, "drop") + number(counters, "malformed")),
          .redirected = change.rate(earlier, counters, "redirect")};
}

}  // namespace afxfw

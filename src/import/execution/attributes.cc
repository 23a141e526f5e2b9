#include "import/execution/attributes.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace fastpath {
namespace {

constexpr double kMostBytes = 1e18;
constexpr double kMostWork = 1e21;

double within(double number, double most) { return number >= 0 && number <= most ? number : 0; }

bool apply_number(const Attribute& attribute, ExecutionNode& node) {
  const std::string_view name = attribute.name;
  const double number =
      attribute.text.empty() ? attribute.number : parse_number(attribute.text).value_or(0);
  if (name == "num_ops") {
    node.work = within(number, kMostWork);
  } else if (name == "tensor_size") {
    node.traffic = Bytes{within(number, kMostBytes)};
  } else if (name == "comm_size") {
    node.message = Bytes{within(number, kMostBytes)};
  } else if (name == "comm_type") {
    node.collective_type = whole_of(number);
  } else if (name == "comm_src") {
    node.source = whole_of(number);
  } else if (name == "comm_dst") {
    node.destination = whole_of(number);
  } else if (name == "comm_tag") {
    node.tag = whole_of(number);
  } else if (name == "group_size") {
    node.group_size = std::clamp<std::int64_t>(whole_of(number), 0, 1 << 24);
  } else if (name == "in_msg_nelems") {
    node.elements_in = within(number, kMostBytes);
  } else if (name == "out_msg_nelems") {
    node.elements_out = within(number, kMostBytes);
  } else if (name == "is_cpu_op") {
    node.on_host = number != 0;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::int64_t whole_of(double number) {
  constexpr double kExact = 9e15;
  return std::abs(number) <= kExact ? static_cast<std::int64_t>(number) : 0;
}

NodeKind kind_of_chakra(std::int64_t type) {
  switch (type) {
    case 2: return NodeKind::load;
    case 3: return NodeKind::store;
    case 4: return NodeKind::operation;
    case 5: return NodeKind::send;
    case 6: return NodeKind::receive;
    case 7: return NodeKind::collective;
    default: return NodeKind::label;
  }
}

void apply_attribute(const Attribute& attribute, ExecutionNode& node) {
  if (apply_number(attribute, node)) return;
  const std::string_view name = attribute.name;
  if (name == "collective_name") {
    node.collective = attribute.text;
  } else if (name == "dtype") {
    node.type = attribute.text;
  } else if (name == "pg_name") {
    node.group = attribute.text;
  } else if (name == "op_schema") {
    node.has_schema = !attribute.text.empty();
  }
}

}  // namespace fastpath

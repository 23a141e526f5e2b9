#include "import/execution/read_json.h"

#include <optional>

#include <simdjson.h>

#include "base/text.h"
#include "import/execution/attributes.h"
#include "import/execution/values.h"

namespace fastpath {
namespace {

namespace dom = simdjson::dom;
using simdjson::SUCCESS;

constexpr double kMicrosecond = 1e-6;
/// Of one node: a week.
constexpr double kMostMicroseconds = 7 * 24 * 3600e6;

std::optional<dom::element> member(const dom::element& object, const char* key) {
  dom::element found;
  if (object.at_key(key).get(found) != SUCCESS) return std::nullopt;
  return found;
}

/// Numbers, and texts that are numbers: protobuf prints 64 bits as texts.
double number_of(const dom::element& element, double fallback) {
  double number = 0;
  bool truth = false;
  std::string_view text;
  if (element.get_double().get(number) == SUCCESS) return number;
  if (element.get_bool().get(truth) == SUCCESS) return truth ? 1 : 0;
  if (element.get_string().get(text) == SUCCESS) return parse_number(text).value_or(fallback);
  return fallback;
}

double number_at(const dom::element& object, const char* key, double fallback) {
  const auto found = member(object, key);
  return found ? number_of(*found, fallback) : fallback;
}

std::string text_at(const dom::element& object, const char* key) {
  const auto found = member(object, key);
  std::string_view text;
  return found && found->get_string().get(text) == SUCCESS ? std::string(text) : std::string();
}

void append_ids(const dom::element& object, const char* key, std::vector<std::int64_t>& ids) {
  const auto found = member(object, key);
  dom::array array;
  if (!found || found->get_array().get(array) != SUCCESS) return;
  for (const dom::element one : array)
    ids.push_back(whole_of(number_of(one, -1)));
}

Seconds microseconds(double number) {
  return number > 0 && number <= kMostMicroseconds ? Seconds{number * kMicrosecond} : Seconds{};
}

bool is_object(const dom::element& element) { return element.type() == dom::element_type::OBJECT; }

/// The list of values, shapes and types under `key`, as arrays or as texts of Python.
std::vector<NodeValue> values_at(const dom::element& node, const char* key) {
  const auto lists = member(node, key);
  if (!lists || !is_object(*lists)) return {};
  const auto values = member(*lists, "values");
  const auto shapes = member(*lists, "shapes");
  const auto types = member(*lists, "types");
  if (!values || !shapes || !types) return {};
  if (values->is_string()) {
    return read_node_values(text_at(*lists, "values"), text_at(*lists, "shapes"),
                            text_at(*lists, "types"));
  }
  return read_node_values(*values, *shapes, *types);
}

/// Schema 1.0.1 has the three lists beside each other in the node.
std::vector<NodeValue> flat_values(const dom::element& node, const char* values, const char* shapes,
                                   const char* types) {
  const auto value = member(node, values);
  const auto shape = member(node, shapes);
  const auto type = member(node, types);
  if (!value || !shape || !type) return {};
  return read_node_values(*value, *shape, *type);
}

/// {"name": "pg_name", "type": "string", "value": "0"}, or "int64Val" and the like for the value.
void read_attributes(const dom::element& node, const char* key, ExecutionNode& out) {
  const auto list = member(node, key);
  dom::array array;
  if (!list || list->get_array().get(array) != SUCCESS) return;
  for (const dom::element one : array) {
    dom::object fields;
    if (one.get_object().get(fields) != SUCCESS) continue;
    const std::string name = text_at(one, "name");
    for (const auto& [field, value] : fields) {
      if (field == "name" || field == "type" || field == "docString") continue;
      std::string_view text;
      if (value.get_string().get(text) == SUCCESS) {
        apply_attribute({name, 0, text}, out);
      } else {
        apply_attribute({name, number_of(value, 0), {}}, out);
      }
    }
  }
}

/// Of PyTorch: any schema.
ExecutionNode pytorch_node(const dom::element& node) {
  ExecutionNode out;
  out.id = whole_of(number_at(node, "id", -1));
  out.name = text_at(node, "name");
  out.parent = whole_of(number_at(node, "ctrl_deps", number_at(node, "parent", -1)));
  out.kind = NodeKind::operation;
  out.has_schema = !text_at(node, "op_schema").empty();
  read_attributes(node, "attrs", out);
  if (const auto cat = text_at(node, "cat"); !cat.empty()) {
    out.measured = microseconds(number_at(node, "exclusive_dur", number_at(node, "dur", 0)));
  }
  if (out.group.empty()) out.group = text_at(node, "pg_name");
  out.inputs = values_at(node, "inputs");
  out.outputs = values_at(node, "outputs");
  if (member(node, "input_shapes")) {
    out.inputs = flat_values(node, "inputs", "input_shapes", "input_types");
    out.outputs = flat_values(node, "outputs", "output_shapes", "output_types");
  }
  return out;
}

/// Of Chakra's feeder.
ExecutionNode feeder_node(const dom::element& node) {
  ExecutionNode out;
  out.id = whole_of(number_at(node, "Id", -1));
  out.name = text_at(node, "Name");
  out.kind = kind_of_chakra(whole_of(number_at(node, "NodeType", 0)));
  out.measured = microseconds(number_at(node, "runtime", 0));
  append_ids(node, "data_deps", out.after);
  append_ids(node, "ctrl_deps", out.after);
  for (const char* const key : {"is_cpu_op", "num_ops", "tensor_size", "comm_type", "comm_size",
                                "comm_src", "comm_dst", "comm_tag"}) {
    if (const auto value = member(node, key)) {
      apply_attribute({key, number_of(*value, 0), {}}, out);
    }
  }
  out.group = text_at(node, "pg_name");
  return out;
}

NodeKind kind_of_name(std::string_view type) {
  if (type == "COMP_NODE") return NodeKind::operation;
  if (type == "COMM_COLL_NODE") return NodeKind::collective;
  if (type == "COMM_SEND_NODE") return NodeKind::send;
  if (type == "COMM_RECV_NODE") return NodeKind::receive;
  if (type == "MEM_LOAD_NODE") return NodeKind::load;
  if (type == "MEM_STORE_NODE") return NodeKind::store;
  return NodeKind::label;
}

/// Of Chakra's protobuf, printed as JSON; numbers of the first node are left out, being 0.
ExecutionNode printed_node(const dom::element& node) {
  ExecutionNode out;
  out.id = whole_of(number_at(node, "id", 0));
  out.name = text_at(node, "name");
  out.kind = kind_of_name(text_at(node, "type"));
  out.measured = microseconds(number_at(node, "durationMicros", 0));
  append_ids(node, "ctrlDeps", out.after);
  if (!out.after.empty()) out.parent = out.after.front();
  append_ids(node, "dataDeps", out.after);
  read_attributes(node, "attr", out);
  out.inputs = values_at(node, "inputs");
  out.outputs = values_at(node, "outputs");
  return out;
}

class JsonReader {
 public:
  explicit JsonReader(const std::string& name) { file_.title = name; }

  Result<ExecutionFile> read(const std::string& text) {
    const simdjson::padded_string padded(text);
    dom::parser parser;
    dom::document_stream stream;
    // A batch must hold the largest document, which may be the whole file.
    if (parser.parse_many(padded, text.size() + 1).get(stream) != SUCCESS) return not_one();
    for (const auto document : stream) {
      dom::element element;
      if (document.get(element) != SUCCESS) {
        ++file_.skipped;
        file_.cut_off = true;
        break;
      }
      read_document(element);
    }
    if (stream.truncated_bytes() > 0) file_.cut_off = true;
    if (!found_) return not_one();
    return std::move(file_);
  }

 private:
  tl::unexpected<Diagnostics> not_one() const {
    return failure({file_.title}, file_.cut_off ? "is broken JSON" : "holds no execution trace",
                   "execution traces have \"nodes\" (PyTorch), or are Chakra's .et files");
  }

  void read_document(const dom::element& document) {
    if (!is_object(document)) return;
    if (const auto nodes = member(document, "nodes")) {
      file_.nested = true;
      read_list(*nodes, pytorch_node);
    } else if (const auto graph = member(document, "workload_graph")) {
      read_list(*graph, feeder_node);
    } else if (member(document, "version") && !member(document, "type")) {
      found_ = true;  // the metadata in front
    } else if (member(document, "name") && member(document, "type")) {
      found_ = true;
      file_.nodes.push_back(printed_node(document));
    }
  }

  void read_list(const dom::element& list, ExecutionNode (*read_node)(const dom::element&)) {
    dom::array array;
    if (list.get_array().get(array) != SUCCESS) return;
    found_ = true;
    for (const dom::element node : array) {
      if (is_object(node)) {
        file_.nodes.push_back(read_node(node));
      } else {
        ++file_.skipped;
      }
    }
  }

  ExecutionFile file_;
  bool found_ = false;
};

}  // namespace

Result<ExecutionFile> read_execution_json(const std::string& text, const std::string& name) {
  return JsonReader(name).read(text);
}

}  // namespace fastpath

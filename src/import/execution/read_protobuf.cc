#include "import/execution/read_protobuf.h"

#include <bit>
#include <limits>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "import/execution/attributes.h"
#include "import/execution/values.h"

namespace fastpath {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr double kMicrosecond = 1e-6;
constexpr std::uint64_t kMostMicroseconds = std::uint64_t{7} * 24 * 3600 * 1'000'000;
constexpr std::int64_t kMostId = std::numeric_limits<std::int64_t>::max();

/// The number of a field, and how its value is written.
struct Field {
  int number = 0;
  WireFormatLite::WireType type = WireFormatLite::WIRETYPE_VARINT;
};

/// Reads fields until the end of the message that the stream is limited to.
template <class OnField>
bool read_fields(CodedInputStream& in, OnField on_field) {
  while (const std::uint32_t tag = in.ReadTag()) {
    const Field field{WireFormatLite::GetTagFieldNumber(tag), WireFormatLite::GetTagWireType(tag)};
    if (on_field(field)) continue;
    if (!WireFormatLite::SkipField(&in, tag)) return false;
  }
  return in.ConsumedEntireMessage();
}

template <class ReadMessage>
bool read_nested(CodedInputStream& in, ReadMessage read_message) {
  std::uint32_t size = 0;
  if (!in.ReadVarint32(&size) || size > std::numeric_limits<int>::max()) return false;
  const CodedInputStream::Limit limit = in.PushLimit(static_cast<int>(size));
  const bool whole = read_message() && in.BytesUntilLimit() == 0;
  in.PopLimit(limit);
  return whole;
}

bool read_text(CodedInputStream& in, std::string& text) {
  std::uint32_t size = 0;
  return in.ReadVarint32(&size) && size <= std::numeric_limits<int>::max() &&
         in.ReadString(&text, static_cast<int>(size));
}

bool read_varint(CodedInputStream& in, const Field& field, std::uint64_t& value) {
  return field.type == WireFormatLite::WIRETYPE_VARINT && in.ReadVarint64(&value);
}

std::int64_t id_of(std::uint64_t value) {
  return value <= static_cast<std::uint64_t>(kMostId) ? static_cast<std::int64_t>(value) : -1;
}

/// Packed or one by one.
bool read_ids(CodedInputStream& in, const Field& field, std::vector<std::int64_t>& ids) {
  std::uint64_t value = 0;
  if (field.type == WireFormatLite::WIRETYPE_VARINT) {
    if (!in.ReadVarint64(&value)) return false;
    ids.push_back(id_of(value));
    return true;
  }
  if (field.type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) return false;
  return read_nested(in, [&] {
    while (in.BytesUntilLimit() > 0) {
      if (!in.ReadVarint64(&value)) return false;
      ids.push_back(id_of(value));
    }
    return true;
  });
}

/// The value of an attribute: whichever of its forms is there.
class AttributeValue {
 public:
  bool read(CodedInputStream& in, const Field& field) {
    switch (field.type) {
      case WireFormatLite::WIRETYPE_VARINT: return read_whole(in, field.number);
      case WireFormatLite::WIRETYPE_FIXED64: return read_wide(in, field.number);
      case WireFormatLite::WIRETYPE_FIXED32: return read_narrow(in, field.number);
      case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
        // string_val and bytes_val; lists say nothing to us.
        return (field.number == 29 || field.number == 31) && read_text(in, text);
      default: return false;
    }
  }

  double number = 0;
  std::string text;

 private:
  bool read_whole(CodedInputStream& in, int field) {
    std::uint64_t value = 0;
    if (!in.ReadVarint64(&value)) return false;
    const bool zigzag = field == 15 || field == 17;
    const bool is_signed = field == 7 || field == 9;
    if (zigzag) {
      number = static_cast<double>(WireFormatLite::ZigZagDecode64(value));
    } else {
      number = is_signed ? static_cast<double>(static_cast<std::int64_t>(value))
                         : static_cast<double>(value);
    }
    return true;
  }

  bool read_wide(CodedInputStream& in, int field) {
    std::uint64_t value = 0;
    if (!in.ReadLittleEndian64(&value)) return false;
    if (field == 3) {
      number = std::bit_cast<double>(value);
    } else {
      number = field == 25 ? static_cast<double>(static_cast<std::int64_t>(value))
                           : static_cast<double>(value);
    }
    return true;
  }

  bool read_narrow(CodedInputStream& in, int field) {
    std::uint32_t value = 0;
    if (!in.ReadLittleEndian32(&value)) return false;
    if (field == 5) {
      number = static_cast<double>(std::bit_cast<float>(value));
    } else {
      number = field == 21 ? static_cast<double>(static_cast<std::int32_t>(value))
                           : static_cast<double>(value);
    }
    return true;
  }
};

bool read_attribute(CodedInputStream& in, ExecutionNode& node) {
  std::string name;
  AttributeValue value;
  const bool whole = read_fields(in, [&](const Field& field) {
    if (field.type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED && field.number == 1) {
      return read_text(in, name);
    }
    return value.read(in, field);
  });
  if (whole) apply_attribute({name, value.number, value.text}, node);
  return whole;
}

bool read_values(CodedInputStream& in, std::vector<NodeValue>& values) {
  std::array<std::string, 3> texts;  // values, shapes, types
  const bool whole = read_fields(in, [&](const Field& field) {
    if (field.type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) return false;
    if (field.number < 1 || field.number > 3) return false;
    return read_text(in, texts[static_cast<std::size_t>(field.number - 1)]);
  });
  if (whole) values = read_node_values(texts[0], texts[1], texts[2]);
  return whole;
}

/// True where it read the field; a field that it could not read ends the message.
bool read_node_field(CodedInputStream& in, const Field& field, ExecutionNode& node) {
  const bool nested = field.type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
  std::uint64_t value = 0;
  switch (field.number) {
    case 1:
      if (!read_varint(in, field, value)) return false;
      node.id = id_of(value);
      return true;
    case 2: return nested && read_text(in, node.name);
    case 3:
      if (!read_varint(in, field, value)) return false;
      node.kind = kind_of_chakra(id_of(value));
      return true;
    case 4:
      if (!read_ids(in, field, node.after)) return false;
      if (node.parent < 0 && !node.after.empty()) node.parent = node.after.front();
      return true;
    case 5: return read_ids(in, field, node.after);
    case 7:
      if (!read_varint(in, field, value)) return false;
      if (value <= kMostMicroseconds) {
        node.measured = Seconds{static_cast<double>(value) * kMicrosecond};
      }
      return true;
    case 8: return nested && read_nested(in, [&] { return read_values(in, node.inputs); });
    case 9: return nested && read_nested(in, [&] { return read_values(in, node.outputs); });
    case 10: return nested && read_nested(in, [&] { return read_attribute(in, node); });
    default: return false;
  }
}

}  // namespace

Result<ExecutionFile> read_chakra(std::string_view bytes, const std::string& name) {
  ExecutionFile file;
  file.title = name;
  constexpr std::size_t kMostBytes = std::numeric_limits<int>::max() - 1;
  if (bytes.size() > kMostBytes) return failure({name}, "is larger than 2 GiB");
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  in.SetTotalBytesLimit(std::numeric_limits<int>::max());
  bool metadata =
      read_nested(in, [&] { return read_fields(in, [](const Field&) { return false; }); });
  if (!metadata) {
    return failure({name}, "holds no execution trace",
                   "execution traces have \"nodes\" (PyTorch), or are Chakra's .et files");
  }
  while (static_cast<std::size_t>(in.CurrentPosition()) < bytes.size()) {
    ExecutionNode node;
    node.id = 0;  // protocol buffers leave zeros out
    const bool whole = read_nested(in, [&] {
      return read_fields(in, [&](const Field& field) { return read_node_field(in, field, node); });
    });
    if (!whole) {
      file.cut_off = true;
      break;
    }
    file.nodes.push_back(std::move(node));
  }
  return file;
}

}  // namespace fastpath

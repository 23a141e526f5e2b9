/// Any bytes as an ONNX model. What imports is a valid workload; what does not says why.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "import/onnx/read.h"
#include "ir/semantics.h"

namespace {

void try_with(std::string_view bytes, const fastpath::OnnxOptions& options) {
  const auto read = fastpath::read_onnx(bytes, "model.onnx", options);
  if (!read) {
    FP_CHECK(!read.error().empty());
    for (const fastpath::Diagnostic& mistake : read.error())
      FP_CHECK(!mistake.what.empty() && !mistake.hint.empty());
    return;
  }
  FP_CHECK(mistakes_in(read->value).empty());
  FP_CHECK(count(read->value).parameters >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  fastpath::OnnxOptions options;
  try_with(bytes, options);
  options.dims = {{"N", 2}};
  options.phase = fastpath::Phase::training;
  try_with(bytes, options);
  return 0;
}

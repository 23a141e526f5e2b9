/// What an operator of a framework computes, from its name and the shapes of its inputs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fastpath/program.h"

namespace fastpath {

/// Sizes by input, as traces write them: "[[64, 1024], [1024], []]". Nothing where the text is not
/// of that form, or a size is below 0 or above 1e12.
std::optional<std::vector<std::vector<double>>> read_shapes(std::string_view text);

/// The widest of what the first inputs are said to hold: "['float', 'float']",
/// "[\"c10::BFloat16\"]". Nothing for a text that names no floating-point or 8-bit format.
std::optional<NumberFormat> read_format(std::string_view types);

/// What a call of an operator is known by.
struct OperatorCall {
  std::string_view name;                   ///< "aten::addmm"
  std::vector<std::vector<double>> sizes;  ///< by input; empty for what is no tensor
  /// By input: the numbers that one that is no tensor holds, such as strides; empty = unknown.
  std::vector<std::vector<double>> values = {};
  NumberFormat format = NumberFormat::bf16;
};

/// Numbers by input, as traces write inputs that are no tensors: ["", "[2, 2]", "False", "1"].
/// Booleans are 0 and 1; what holds no numbers is empty.
std::vector<std::vector<double>> read_values(std::string_view text);

/// Of PyTorch's mm, addmm, bmm, baddbmm, matmul, linear, convolutions whose strides are known,
/// scaled dot-product attention, norms, softmax and element-wise operators. Attention is causal
/// where the call's values say so, and without a mask elsewhere. Nothing for other names, or shapes
/// that do not fit.
std::optional<OpShape> operator_shape(const OperatorCall& call);

/// The operators that a call is the time of: itself, or, of a backward, one a gradient. Besides
/// those of operator_shape: backwards of convolutions, attention, norms, softmax and maps. Empty
/// for others.
std::vector<OpShape> operator_parts(const OperatorCall& call);

/// The same as operator_shape of a trace's texts.
std::optional<OpShape> operator_shape(std::string_view name, std::string_view shapes,
                                      std::string_view types, std::string_view values = {});

}  // namespace fastpath

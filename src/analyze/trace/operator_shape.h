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

/// Of PyTorch's mm, addmm, bmm, baddbmm, linear, scaled dot-product attention, norms, softmax and
/// element-wise operators. Attention is taken as it is without a mask. Convolutions are left out:
/// the shapes of inputs do not say their strides. Nothing for other names, or shapes that do not
/// fit.
std::optional<OpShape> operator_shape(std::string_view name, std::string_view shapes,
                                      std::string_view types);

}  // namespace fastpath

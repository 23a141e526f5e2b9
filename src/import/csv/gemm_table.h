/// Tables of matrix products and convolutions: the simplest form of a workload.
#pragma once

#include <string>
#include <string_view>

#include "fastpath/result.h"
#include "fastpath/workload.h"

namespace fastpath {

/// Reads a table (CSV) with one operator per row, in the order of execution.
///
///   name    of the operator; `op1`, `op2`, ... where it is empty
///   repeat  equal operators in a row, 1 if empty
///   format  of all its tensors (bf16, fp8, ...), bf16 if empty
///
/// A matrix product C[m, n] = A[m, k] x B[k, n], B being a trained weight, has
///
///   m n k   extents
///   batch   products with their own A and B, 1 if empty; B is then an activation, as in attention
///
/// and a convolution, over data of [n, c, h, w] and a trained weight of [k, c / groups, r, s], has
///
///   n c h w  batch, input channels, height and width
///   k r s    output channels, height and width of the window
///   stride   1 if empty           pad       0 if empty, on each side
///   dilation 1 if empty           groups    1 if empty: divides c and k
///
/// The header decides: a table with a column `c` is one of convolutions. Each distinct row becomes
/// a block of one operator. Errors: unknown and missing columns, extents that are not whole numbers
/// from 1 to 1e12, windows larger than the padded data, groups that do not divide the channels.
Result<Imported<Workload>> read_gemm_table(std::string_view text, const std::string& file);

}  // namespace fastpath

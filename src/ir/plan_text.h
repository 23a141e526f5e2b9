/// Plans in the field's words: "tp=8 pp=4 micro_batch=1 recompute=selective zero=1".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fastpath/plan.h"
#include "fastpath/result.h"

namespace fastpath {

/// One word of a plan as somebody wrote it.
struct PlanWord {
  std::string key;
  std::optional<std::string> value;  ///< none: the word stands alone, as in "sp"
  Place key_place;
  Place value_place;
};

/// Words and what they mean, each at most once; fields without a word keep their default.
///
///   tp cp ep dp pp = N          tensor, context, expert, data, pipeline parallel
///   sp (= true | false)         sequence parallel; `sequence_parallel` is the same word
///   micro_batch = N             rows per micro-batch and data rank
///   etp = N                     ranks that share an expert's weights; 0 = as tp
///   schedule = gpipe | 1f1b | interleaved:CHUNKS | zb-h1 | zb-v | dualpipe
///   first_stage, last_stage = N layers of the first and last virtual stage; 0 = an even share
///   ends_are_layers = BOOL      embedding and head count as layers in even shares
///   recompute = none | selective | operators | full | full:LAYERS of a virtual stage
///   zero = 0 | 1 | 2 | 3
///   shard = N                   data ranks that share one copy (HSDP); 0 = all
///   reshard = BOOL, prefetch = N    of ZeRO-3's gathered weights
///   cp_exchange = all_gather | ring | ulysses
///   imbalance, capacity = R     load of experts over the mean; 0 = nothing is dropped
///   offload = none | activations,optimizer,weights
///   optimizer = none | sgd | momentum | adam | adam-8bit | muon
///   master = BOOL               fp32 weights in the optimizer
///   step_in_backward = BOOL     the optimizer's step runs block by block in the backward
///   loss_chunks = N             parts of the tokens whose logits live at once
///   lora = RANK, packed = LENGTH
///   execution = eager | compiled | graph
///   attention = flash | unfused
///   overlap = BOOL              of the gradients' reduction with the backward
///   overlap_weights, overlap_tp = BOOL
///   weights, cache, compute, gradients = a number format
///   order = tp,cp,ep,dp,pp      axes of the mesh, innermost first
///
/// Errors: unknown words, values out of range, words given twice, more than 1e9 devices.
Result<Plan> plan_of_words(std::span<const PlanWord> words);

/// Splits a line at white space into words, each with its place; `place` is where the line starts.
std::vector<PlanWord> words_of_text(std::string_view text, const Place& place);

/// The words in one line, separated by white space. `place` is where the text starts. All mistakes
/// at once, each with its column.
Result<Plan> parse_plan(std::string_view text, const Place& place);

/// All fields, in a fixed order; formats that the plan leaves to the model are empty.
std::vector<std::pair<std::string, std::string>> all_words_of_plan(const Plan& plan);

/// Those that differ from the default.
std::vector<std::pair<std::string, std::string>> words_of_plan(const Plan& plan);

/// Canonical text, which parse_plan reads back to an equal plan; empty for the default plan.
std::string write_plan(const Plan& plan);

}  // namespace fastpath

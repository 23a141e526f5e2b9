/// An input pipeline's rates as tables.
#pragma once

#include <string>

#include "fastpath/findings.h"

#include "ir/input_pipeline.h"

namespace fastpath {

/// Tables `summary`, `epochs` (the first and the later ones), `stages` and `remedies`: what would
/// be needed for all accelerators.
Findings explain_feed(const InputPipeline& pipeline, const Feed& feed, const std::string& title);

/// Table `stages`: what each delivers alone.
Table input_stage_table(const Feed& feed);

}  // namespace fastpath

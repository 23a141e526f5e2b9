/// What to change in a plan that does not fit.
#pragma once

#include <vector>

#include "engine/state.h"

namespace fastpath {

/// Changes of one knob of a training plan, on as many devices, with which it fits: each is
/// predicted. Fastest first; empty where no single change suffices.
std::vector<Remedy> remedies(Predictor::State& state, const Plan& plan);

}  // namespace fastpath

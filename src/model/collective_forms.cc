#include "model/collective_forms.h"

#include <cmath>

namespace fastpath {
namespace {

using Algorithm = CollectiveAlgorithm;
using Form = std::optional<CollectiveForm>;

Form all_reduce_form(Algorithm algorithm, double p) {
  const double share = (p - 1) / p;
  const double rounds = std::ceil(std::log2(p));
  switch (algorithm) {
    case Algorithm::ring: return CollectiveForm{2 * (p - 1), 2 * share};
    case Algorithm::tree: return CollectiveForm{2 * rounds, 2};
    case Algorithm::doubling: return CollectiveForm{rounds, rounds};
    case Algorithm::halving: return CollectiveForm{2 * rounds, 2 * share};
    case Algorithm::one_shot: return CollectiveForm{1, p - 1};
    case Algorithm::two_shot: return CollectiveForm{2, 2 * share};
    case Algorithm::nvls:
    case Algorithm::collnet: return CollectiveForm{2, 1};
    default: return std::nullopt;
  }
}

/// Also reduce-scatter, its mirror image.
Form all_gather_form(Algorithm algorithm, double p) {
  const double share = (p - 1) / p;
  switch (algorithm) {
    case Algorithm::ring: return CollectiveForm{p - 1, share};
    case Algorithm::pat:
    case Algorithm::doubling:
    case Algorithm::halving: return CollectiveForm{std::ceil(std::log2(p)), share};
    case Algorithm::one_shot:
    case Algorithm::two_shot: return CollectiveForm{1, share};
    default: return std::nullopt;
  }
}

Form all_to_all_form(Algorithm algorithm, double p) {
  const double share = (p - 1) / p;
  const double rounds = std::ceil(std::log2(p));
  switch (algorithm) {
    case Algorithm::pairwise: return CollectiveForm{p - 1, share};
    case Algorithm::one_shot: return CollectiveForm{1, share};
    case Algorithm::doubling: return CollectiveForm{rounds, rounds / 2};  // Bruck
    default: return std::nullopt;
  }
}

/// Also reduce, its mirror image.
Form broadcast_form(Algorithm algorithm, double p) {
  const double rounds = std::ceil(std::log2(p));
  switch (algorithm) {
    case Algorithm::ring: return CollectiveForm{p - 1, 1};
    case Algorithm::tree:
    case Algorithm::doubling: return CollectiveForm{rounds, rounds};
    case Algorithm::halving: return CollectiveForm{2 * rounds, 2 * (p - 1) / p};
    default: return std::nullopt;
  }
}

}  // namespace

Form collective_form(Algorithm algorithm, Collective collective, double ranks) {
  if (ranks <= 1) return CollectiveForm{};
  switch (collective) {
    case Collective::none: return std::nullopt;
    case Collective::all_reduce: return all_reduce_form(algorithm, ranks);
    case Collective::all_gather:
    case Collective::reduce_scatter: return all_gather_form(algorithm, ranks);
    case Collective::all_to_all: return all_to_all_form(algorithm, ranks);
    case Collective::broadcast:
    case Collective::reduce: return broadcast_form(algorithm, ranks);
    case Collective::send_recv:
      if (algorithm == Algorithm::pairwise) return CollectiveForm{1, 1};
      return std::nullopt;
  }
  return std::nullopt;
}

double least_volume(Collective collective, double ranks) {
  if (ranks <= 1) return 0;
  const double share = (ranks - 1) / ranks;
  switch (collective) {
    case Collective::none: return 0;
    case Collective::all_reduce: return 2 * share;
    case Collective::all_gather:
    case Collective::reduce_scatter:
    case Collective::all_to_all: return share;
    case Collective::send_recv:
    case Collective::broadcast:
    case Collective::reduce: return 1;
  }
  return 0;
}

double bus_factor(Collective collective, double ranks) {
  switch (collective) {
    case Collective::all_reduce:
    case Collective::all_gather:
    case Collective::reduce_scatter:
    case Collective::all_to_all: return least_volume(collective, ranks);
    default: return 1;
  }
}

}  // namespace fastpath

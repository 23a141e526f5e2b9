#include "lower/word_checks.h"

#include <algorithm>
#include <string>

#include "ir/names.h"
#include "lower/nearest.h"

namespace fastpath {
namespace {

class WordChecker {
 public:
  WordChecker(const Workload& workload, const Limits& limits, const Plan& plan,
              Diagnostics& mistakes)
      : workload_(workload), limits_(limits), plan_(plan), mistakes_(mistakes) {}

  void run() {
    const int axes[] = {plan_.tensor_parallel, plan_.context_parallel, plan_.expert_parallel,
                        plan_.data_parallel};
    if (std::any_of(std::begin(axes), std::end(axes), [](int size) { return size < 1; })) return;
    check_sharding();
    check_experts();
    check_expert_tensor();
    check_context_exchange();
    check_tensor_overlap();
    check_adapters();
    check_documents();
    check_offload();
    check_tables();
    check_step_in_backward();
    if (plan_.loss_chunks > 1 && !training()) {
      mistake("loss_chunks: nothing is trained", "leave it out");
    }
  }

 private:
  void mistake(std::string what, std::string hint) {
    mistakes_.push_back({Place{"plan", 0, 0}, std::move(what), std::move(hint)});
  }

  bool training() const { return workload_.phase == Phase::training; }

  void check_sharding() {
    const auto needs = [&](const std::string& word, int stage) {
      mistake(word + " needs zero=" + std::to_string(stage) + (stage < 3 ? " or more" : ""),
              "use zero=" + std::to_string(stage) + ", or leave it out");
    };
    if (!plan_.reshard && plan_.zero_stage < 3) needs("reshard=false", 3);
    if (plan_.prefetch != Plan{}.prefetch && plan_.zero_stage < 3) needs("prefetch", 3);
    if (plan_.shard == 0) return;
    if (plan_.zero_stage < 1) return needs("shard", 1);
    const std::int64_t experts = plan_.expert_parallel;
    const auto legal = [&](std::int64_t candidate) {
      return plan_.data_parallel % candidate == 0 &&
             (candidate % experts == 0 || experts % candidate == 0);
    };
    if (legal(plan_.shard)) return;
    mistake(
        "shard=" + std::to_string(plan_.shard) +
            " must divide dp=" + std::to_string(plan_.data_parallel) +
            (experts > 1 ? " and divide ep=" + std::to_string(experts) + " or be a multiple of it"
                         : ""),
        "the nearest legal value is shard=" +
            std::to_string(nearest_legal(plan_.shard, plan_.data_parallel, legal)));
  }

  void check_step_in_backward() {
    if (!plan_.step_in_backward) return;
    if (!training()) return mistake("step_in_backward: nothing is trained", "leave it out");
    if (plan_.pipeline_parallel > 1) {
      mistake("step_in_backward: gradients of a pipeline's micro-batches are summed first",
              "use pp=1, or leave it out");
    }
    const std::int64_t rows = std::int64_t{std::max(1, plan_.micro_batch)} * plan_.data_parallel;
    if (limits_.has_batch && rows > 0 && limits_.batch > rows) {
      mistake("step_in_backward: gradients of " + std::to_string(limits_.batch / rows) +
                  " micro-batches are summed first",
              "raise micro_batch or dp until there is one, or leave it out");
    }
  }

  void check_experts() {
    if (limits_.experts > 1) return;
    const Plan standard;
    const std::pair<const char*, bool> words[] = {
        {"etp", plan_.expert_tensor_parallel != standard.expert_tensor_parallel},
        {"imbalance", plan_.expert_imbalance != standard.expert_imbalance},
        {"capacity", plan_.expert_capacity != standard.expert_capacity}};
    for (const auto& [word, given] : words) {
      if (given) {
        mistake(std::string(word) + ": '" + workload_.name + "' has no experts", "leave it out");
      }
    }
  }

  /// Experts whose weights no tensor ranks share are dealt out over the ep x tp ranks.
  void check_expert_tensor() {
    const int shared = plan_.expert_tensor_parallel;
    const std::int64_t tensor = plan_.tensor_parallel;
    if (limits_.experts == 1 || shared == 0 || shared == tensor) return;
    if (shared != 1) {
      mistake(
          "etp=" + std::to_string(shared) + ": tensor ranks share an expert's weights all or none",
          "use etp=1 or etp=" + std::to_string(tensor));
      return;
    }
    if (!plan_.sequence_parallel) {
      mistake("etp=1 with tp=" + std::to_string(tensor) +
                  " needs sp: each tensor rank routes its own tokens",
              "add sp, or leave etp out");
    }
    const auto legal = [&](std::int64_t candidate) {
      return limits_.experts % (candidate * tensor) == 0 && plan_.data_parallel % candidate == 0;
    };
    if (legal(plan_.expert_parallel)) return;
    const std::string what =
        "etp=1 deals the " + std::to_string(limits_.experts) +
        " experts out over ep x tp = " + std::to_string(plan_.expert_parallel * tensor) + " ranks";
    const std::int64_t near = nearest_legal(plan_.expert_parallel, plan_.data_parallel, legal);
    mistake(what + ", which does not divide them",
            legal(near) ? "the nearest legal value is ep=" + std::to_string(near)
                        : "leave etp out: tp=" + std::to_string(tensor) + " shares their weights");
  }

  void check_context_exchange() {
    const std::int64_t ways = plan_.context_parallel;
    if (ways == 1 || limits_.sequence == 1) return;
    if (plan_.context_exchange == ContextExchange::ring && limits_.sequence % (2 * ways) != 0) {
      const auto legal = [&](std::int64_t candidate) {
        return limits_.sequence % (2 * candidate) == 0;
      };
      mistake("cp_exchange=ring gives each rank an early and a late piece of the sequence: " +
                  std::to_string(limits_.sequence) + " tokens are not " + std::to_string(2 * ways) +
                  " equal pieces",
              "the nearest legal value is cp=" +
                  std::to_string(nearest_legal(ways, limits_.sequence / 2, legal)));
    }
    if (plan_.context_exchange == ContextExchange::all_to_all) check_exchanged_heads();
  }

  void check_exchanged_heads() {
    const std::int64_t ways = plan_.context_parallel;
    const auto splits = [&](std::int64_t candidate) {
      return std::all_of(
          limits_.tensor_dims.begin(), limits_.tensor_dims.end(), [&](const Dim& dim) {
            const bool heads = dim.kind == DimKind::heads || dim.kind == DimKind::kv_heads;
            return !heads || dim.size % (candidate * plan_.tensor_parallel) == 0;
          });
    };
    if (splits(ways)) return;
    std::string heads;
    for (const Dim& dim : limits_.tensor_dims) {
      if (dim.kind != DimKind::heads && dim.kind != DimKind::kv_heads) continue;
      if (!heads.empty()) heads += " and ";
      heads += std::to_string(dim.size) + " " + dim.name;
    }
    const std::int64_t near = nearest_legal(ways, ways, splits);
    mistake("cp_exchange=ulysses splits " + heads +
                " over cp x tp = " + std::to_string(ways * plan_.tensor_parallel) + " ranks",
            splits(near) && near > 1 ? "the nearest legal value is cp=" + std::to_string(near)
                                     : "use cp_exchange=ring or all_gather");
  }

  void check_tensor_overlap() {
    if (!plan_.overlap_tensor || plan_.tensor_parallel == 1 || plan_.sequence_parallel) return;
    mistake("overlap_tp tiles gathers and reductions into shares, which only sp has",
            "add sp, or leave overlap_tp out");
  }

  void check_adapters() {
    if (plan_.lora_rank > 0 && !training()) {
      mistake("lora trains adapters; this phase trains nothing", "leave lora out");
    }
    if (!training() || plan_.lora_rank > 0 || !plan_.weight_format) return;
    switch (*plan_.weight_format) {
      case NumberFormat::int4:
      case NumberFormat::fp4:
      case NumberFormat::mxfp4:
      case NumberFormat::fp6:
        mistake("weights=" + std::string(name_of(*plan_.weight_format)) + " cannot be trained",
                "freeze them (lora=16), or give the format of products (compute=)");
        break;
      default: break;
    }
  }

  void check_documents() {
    if (plan_.packed_length == 0) return;
    if (!training()) {
      mistake("packed: only training sequences are packed", "leave packed out");
    } else if (plan_.packed_length > limits_.sequence) {
      mistake("packed=" + std::to_string(plan_.packed_length) +
                  ": a document is longer than the sequence of " + std::to_string(limits_.sequence),
              "the nearest legal value is packed=" + std::to_string(limits_.sequence));
    }
  }

  void check_offload() {
    if (training()) return;
    if (plan_.offload.activations || plan_.offload.optimizer) {
      mistake("offload: this phase keeps neither activations nor optimizer states",
              "only offload=weights saves memory here");
    }
  }

  void check_tables() {
    const bool dealt_out = plan_.tables != TablePlacement::replicated;
    const std::string word = "tables=" + std::string(name_of(plan_.tables));
    if (!limits_.tables && (dealt_out || plan_.fused_tables)) {
      mistake(
          (dealt_out ? word : "fused_tables") + ": '" + workload_.name + "' looks up in no tables",
          "leave it out");
      return;
    }
    if (!dealt_out) return;
    if (limits_.experts > 1) {
      mistake(word + ": the data ranks of '" + workload_.name + "' share out experts",
              "leave tables out");
    }
    const std::int64_t ways = plan_.data_parallel;
    if (plan_.tables != TablePlacement::columns || limits_.columns % ways == 0) return;
    const auto legal = [&](std::int64_t candidate) { return limits_.columns % candidate == 0; };
    mistake(
        word + ": dp=" + std::to_string(ways) + " does not divide tables of " +
            std::to_string(limits_.columns) + " columns",
        "use tables=rows, or dp=" + std::to_string(nearest_legal(ways, limits_.columns, legal)));
  }

  const Workload& workload_;
  const Limits& limits_;
  const Plan& plan_;
  Diagnostics& mistakes_;
};

}  // namespace

void check_words(const Workload& workload, const Limits& limits, const Plan& plan,
                 Diagnostics& mistakes) {
  WordChecker(workload, limits, plan, mistakes).run();
}

}  // namespace fastpath

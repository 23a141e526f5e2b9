#include "import/catalog/engines.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "import/catalog/embedded.h"
#include "import/catalog/table.h"

namespace fastpath {
namespace {

constexpr std::array<std::string_view, kEngineParts> kPartNames{"light",
                                                                "matmul_bytes",
                                                                "matmul_work",
                                                                "prefill_attention",
                                                                "decode_attention",
                                                                "latent_attention",
                                                                "maps",
                                                                "expert_bytes",
                                                                "expert_work",
                                                                "launch",
                                                                "network"};
constexpr std::array<std::pair<std::string_view, Batching>, 3> kBatchingNames{
    {{"mixed", Batching::mixed},
     {"prefill_first", Batching::prefill_first},
     {"whole_prompts", Batching::whole_prompts}}};
constexpr std::string_view kEnginesFile = "engines/engines.csv";
constexpr std::string_view kConstantsFile = "engines/constants.csv";

class EngineReader {
 public:
  Result<std::vector<EngineEntry>> read(std::string_view engines, std::string_view constants) {
    read_engines(engines);
    if (!constants.empty()) read_constants(constants);
    if (!errors_.empty()) return failure(std::move(errors_));
    return std::move(entries_);
  }

 private:
  double number(const CatalogTable& table, std::size_t row, std::string_view column, double least,
                double most) {
    const auto value = table.range(row, column, errors_);
    if (value && value->front() >= least && value->front() <= most) return value->front();
    errors_.push_back({table.place(row, column),
                       fmt::format("{} is not from {:g} to {:g}", column, least, most),
                       {}});
    return least;
  }

  void read_engines(std::string_view text) {
    const auto table =
        CatalogTable::parse(text, "catalog/" + std::string(kEnginesFile),
                            {"id", "version", "batching", "token_budget", "max_sequences",
                             "block_tokens", "memory_share", "reserve", "prefix_caching",
                             "confidence", "source", "locator", "date", "notes"});
    if (!table) {
      errors_ = table.error();
      return;
    }
    for (std::size_t row = 0; row < table->rows(); ++row) {
      Engine engine;
      engine.id = table->text(row, "id");
      engine.version = table->text(row, "version");
      const std::string_view batching = table->text(row, "batching");
      const auto* found = std::find_if(kBatchingNames.begin(), kBatchingNames.end(),
                                       [&](const auto& one) { return one.first == batching; });
      if (found == kBatchingNames.end()) {
        errors_.push_back({table->place(row, "batching"),
                           fmt::format("unknown batching {}", in_quotes(batching)),
                           "mixed, prefill_first or whole_prompts"});
      } else {
        engine.batching = found->second;
      }
      const auto whole = [&](std::string_view column) {
        return static_cast<std::int64_t>(number(*table, row, column, 1, 1e9));
      };
      engine.token_budget = whole("token_budget");
      engine.max_sequences = whole("max_sequences");
      engine.block_tokens = whole("block_tokens");
      engine.memory_share = number(*table, row, "memory_share", 0.01, 1);
      engine.reserve = number(*table, row, "reserve", 0, 1);
      engine.prefix_caching = table->text(row, "prefix_caching") == "on";
      entries_.push_back({engine, ""});
    }
  }

  void read_constants(std::string_view text) {
    std::vector<std::string> columns{"engine", "generation", "rows",    "spread",
                                     "step",   "sequence",   "request", "client",
                                     "source", "locator",    "date",    "confidence"};
    columns.insert(columns.end(), kPartNames.begin(), kPartNames.end());
    const auto table = CatalogTable::parse(text, "catalog/" + std::string(kConstantsFile), columns);
    if (!table) {
      errors_.insert(errors_.end(), table.error().begin(), table.error().end());
      return;
    }
    for (std::size_t row = 0; row < table->rows(); ++row)
      read_constants_of(*table, row);
  }

  void read_constants_of(const CatalogTable& table, std::size_t row) {
    const std::string id(table.text(row, "engine"));
    const std::string generation(table.text(row, "generation"));
    const auto base = std::find_if(entries_.begin(), entries_.end(), [&](const EngineEntry& one) {
      return one.engine.id == id && one.generation.empty();
    });
    if (base == entries_.end()) {
      errors_.push_back(
          {table.place(row, "engine"), fmt::format("engines.csv has no {}", in_quotes(id)), {}});
      return;
    }
    EngineEntry entry{base->engine, generation};
    const Source source = table.source(row);
    const double spread = number(table, row, "spread", 0, 10);
    entry.engine.rows = static_cast<std::size_t>(number(table, row, "rows", 1, 1e9));
    for (std::size_t i = 0; i < kEngineParts; ++i)
      entry.engine.factors[i] = {number(table, row, kPartNames[i], 1e-3, 1e3), spread, source};
    const auto time = [&](std::string_view column) {
      return table.figure<Seconds>(row, column, source, errors_).value_or(Figure<Seconds>{});
    };
    entry.engine.step = time("step");
    entry.engine.sequence = time("sequence");
    entry.engine.request = time("request");
    entry.engine.client = time("client");
    if (generation.empty()) {
      *base = std::move(entry);
    } else {
      entries_.push_back(std::move(entry));
    }
  }

  std::vector<EngineEntry> entries_;
  Diagnostics errors_;
};

std::string_view embedded_text(std::string_view path) {
  for (const EmbeddedFile& file : embedded_catalog()) {
    if (file.path == path) return file.text;
  }
  return {};
}

}  // namespace

std::string_view name_of(EnginePart part) { return kPartNames[static_cast<std::size_t>(part)]; }

std::string_view name_of(Batching batching) {
  return kBatchingNames[static_cast<std::size_t>(batching)].first;
}

Result<std::vector<EngineEntry>> read_engines(std::string_view engines,
                                              std::string_view constants) {
  return EngineReader().read(engines, constants);
}

Result<std::vector<EngineEntry>> embedded_engines() {
  return read_engines(embedded_text(kEnginesFile), embedded_text(kConstantsFile));
}

Result<Engine> engine_for(const std::vector<EngineEntry>& engines, const std::string& id,
                          const std::string& generation) {
  const EngineEntry* any = nullptr;
  std::vector<std::string> names;
  for (const EngineEntry& entry : engines) {
    if (entry.generation.empty()) names.push_back(entry.engine.id);
    if (entry.engine.id != id) continue;
    if (entry.generation == generation) return entry.engine;
    if (entry.generation.empty()) any = &entry;
  }
  if (any != nullptr) return any->engine;
  return failure(Place{"command line", 0, 0}, fmt::format("unknown engine {}", in_quotes(id)),
                 did_you_mean(id, names));
}

std::string constants_csv(const std::vector<EngineEntry>& engines) {
  std::string text = fmt::format(
      "# plain numbers: {}\n"
      "engine,generation,rows,spread,{},step [ms],sequence [us],request [ms],client [ms],"
      "confidence,source,locator,date\n",
      fmt::join(kPartNames, " "), fmt::join(kPartNames, ","));
  for (const EngineEntry& entry : engines) {
    const Engine& engine = entry.engine;
    if (engine.rows == 0) continue;
    text += fmt::format("{},{},{},{:.3g}", engine.id, entry.generation, engine.rows,
                        engine.factors.front().relative_spread);
    for (const Fitted& factor : engine.factors)
      text += fmt::format(",{:.3g}", factor.value);
    const Source& source = engine.step.source;
    text += fmt::format(",{:.4g},{:.4g},{:.4g},{:.4g},derived,{},{},{}\n",
                        engine.step.value.base() * 1e3, engine.sequence.value.base() * 1e6,
                        engine.request.value.base() * 1e3, engine.client.value.base() * 1e3,
                        source.cite, source.locator, source.date);
  }
  return text;
}

}  // namespace fastpath

#include "engine/simulate/pass_draw.h"

#include <algorithm>

namespace fastpath {

std::vector<CostedTask> costed_tasks(const std::vector<Task>& tasks, const Models& models) {
  std::vector<CostedTask> result;
  result.reserve(tasks.size());
  for (const Task& task : tasks) {
    const bool network = task.collective != Collective::none;
    result.push_back(
        {models.cost(task).time, network, network && task.axis == MeshAxis::tensor, task.after});
  }
  return result;
}

double PassDraw::ready(const CostedTask& task, std::size_t member, double lane) const {
  double start = lane;
  for (const std::uint32_t before : task.after)
    start = std::max(start, ends_[before * factors_.size() + member]);
  return start;
}

void PassDraw::compute(const CostedTask& task, std::size_t row) {
  for (std::size_t m = 0; m < factors_.size(); ++m) {
    const double start = ready(task, m, compute_free_[m]);
    compute_free_[m] = start + task.time.base() * factors_[m] * factor();
    ends_[row + m] = compute_free_[m];
  }
}

void PassDraw::communicate(const CostedTask& task, std::size_t row) {
  const std::size_t group = task.tensor ? tensor_ : factors_.size();
  for (std::size_t first = 0; first < factors_.size(); first += group) {
    double start = 0;
    for (std::size_t m = first; m < first + group; ++m)
      start = std::max(start, ready(task, m, network_free_[m]));
    const double end = start + task.time.base() * factor();
    std::fill_n(network_free_.begin() + static_cast<std::ptrdiff_t>(first), group, end);
    std::fill_n(ends_.begin() + static_cast<std::ptrdiff_t>(row + first), group, end);
  }
}

Seconds PassDraw::run(const std::vector<CostedTask>& tasks) {
  const std::size_t members = factors_.size();
  ends_.assign(tasks.size() * members, 0);
  compute_free_.assign(members, 0);
  network_free_.assign(members, 0);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].network) {
      communicate(tasks[i], i * members);
    } else {
      compute(tasks[i], i * members);
    }
  }
  const auto last = std::max_element(ends_.begin(), ends_.end());
  return last == ends_.end() ? Seconds{} : Seconds{*last};
}

}  // namespace fastpath

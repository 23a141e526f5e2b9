#include "model/collective_model.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "model/collective_diagnosis.h"
#include "model/collective_forms.h"
#include "model/network_model.h"

namespace fastpath {
namespace {

constexpr std::array<Collective, 7> kAll{Collective::all_reduce,     Collective::all_gather,
                                         Collective::reduce_scatter, Collective::all_to_all,
                                         Collective::send_recv,      Collective::broadcast,
                                         Collective::reduce};

CollectiveTuning nccl() {
  CollectiveTuning tuning;
  tuning.library = "nccl";
  tuning.ring = {CollectiveLine{20.0_us, 1.0_us, 0.75}, CollectiveLine{8.0_us, 0.9_us, 0.3},
                 CollectiveLine{5.0_us, 0.8_us, 0.05}};
  tuning.nvls = {40.0_us, Seconds{}, 0.6};
  tuning.nvls_ranks = 5;
  return tuning;
}

Level level(std::int64_t count, double gbps, double us, Topology topology = Topology::switched) {
  Level result;
  result.name = "level";
  result.count = count;
  result.topology = topology;
  result.bandwidth.value = BytesPerSecond{gbps * 1e9};
  result.latency.value = Seconds{us * 1e-6};
  result.setup.value = 4.0_us;
  return result;
}

System cluster(std::int64_t nodes, bool tuned = true) {
  System system;
  system.levels = {level(8, 450, 0.9), level(nodes, 50, 4)};
  if (tuned) {
    system.levels[0].tunings =
        std::make_shared<const std::vector<CollectiveTuning>>(std::vector{nccl()});
  }
  return system;
}

System torus(std::vector<std::int64_t> extents) {
  System system;
  std::int64_t count = 1;
  for (const std::int64_t extent : extents)
    count *= extent;
  system.levels = {level(count, 300, 1, Topology::torus)};
  system.levels[0].torus = std::move(extents);
  return system;
}

std::vector<System> systems() {
  System mesh;
  mesh.levels = {level(8, 448, 1.3, Topology::mesh)};
  System ring;
  ring.levels = {level(8, 100, 1, Topology::ring)};
  return {cluster(1), cluster(4), cluster(4, false), torus({4, 4, 4}), mesh, ring};
}

TEST(Collective, of_one_rank_is_free) {
  for (const System& system : systems()) {
    const NetworkModel network(system);
    for (const Collective kind : kAll)
      EXPECT_EQ(network.cost(kind, {1, 1}, 1.0_GB).time, Seconds{});
  }
}

TEST(Collective, is_never_below_the_injection_bound_and_monotone_in_bytes) {
  for (const System& system : systems()) {
    const NetworkModel network(system);
    for (const Collective kind : kAll) {
      for (const std::int64_t size : {2, 4, 8, 16, 32}) {
        if (size > system.device_count()) continue;
        Seconds before;
        for (double bytes = 1; bytes < 1e11; bytes *= 1.7) {
          const CollectiveCost cost = network.choose(kind, {size, 1}, Bytes{bytes});
          EXPECT_TRUE(std::isfinite(cost.time.base()));
          EXPECT_GE(cost.time, cost.bound);
          EXPECT_GE(cost.time, before);
          before = cost.time;
        }
      }
    }
  }
}

TEST(Collective, is_never_slower_with_more_bandwidth) {
  for (const System& slow : systems()) {
    System fast = slow;
    for (Level& one : fast.levels)
      one.bandwidth.value *= 1.5;
    for (const Collective kind : kAll) {
      for (const double bytes : {8.0, 65536.0, 1e7, 1e9}) {
        const Group group{slow.device_count(), 1};
        EXPECT_LE(NetworkModel(fast).cost(kind, group, Bytes{bytes}).time,
                  NetworkModel(slow).cost(kind, group, Bytes{bytes}).time);
      }
    }
  }
}

TEST(Collective, of_one_node_is_the_same_in_a_cluster) {
  for (const Collective kind : kAll) {
    EXPECT_EQ(NetworkModel(cluster(1)).cost(kind, {8, 1}, 1.0_GB).time,
              NetworkModel(cluster(8)).cost(kind, {8, 1}, 1.0_GB).time);
  }
}

TEST(Collective, oversubscription_slows_what_crosses_and_nothing_else) {
  System narrow = cluster(4);
  narrow.levels[1].oversubscription = 2;
  const NetworkModel slow(narrow);
  const NetworkModel fast(cluster(4));
  EXPECT_GT(slow.cost(Collective::all_to_all, {32, 1}, 1.0_GB).time,
            1.9 * fast.cost(Collective::all_to_all, {32, 1}, 1.0_GB).time);
  EXPECT_EQ(slow.cost(Collective::all_to_all, {8, 1}, 1.0_GB).time,
            fast.cost(Collective::all_to_all, {8, 1}, 1.0_GB).time);
}

TEST(Collective, switches_that_reduce_are_used_from_so_many_ranks_and_not_for_integers) {
  const NetworkModel network(cluster(1));
  EXPECT_EQ(network.choose(Collective::all_reduce, {8, 1}, 1.0_GB).algorithm,
            CollectiveAlgorithm::nvls);
  EXPECT_EQ(network.choose(Collective::all_reduce, {4, 1}, 1.0_GB).algorithm,
            CollectiveAlgorithm::ring);
  EXPECT_EQ(network.choose(Collective::all_reduce, {8, 1}, 1.0_GB, {.nvls = false}).algorithm,
            CollectiveAlgorithm::ring);
}

TEST(Collective, small_messages_use_ll_and_large_ones_simple) {
  const NetworkModel network(cluster(1));
  EXPECT_EQ(network.choose(Collective::all_gather, {8, 1}, Bytes{512}).protocol,
            CollectiveProtocol::ll);
  EXPECT_EQ(network.choose(Collective::all_gather, {8, 1}, 1.0_GB).protocol,
            CollectiveProtocol::simple);
}

TEST(Collective, a_full_mesh_scales_with_the_links_in_use) {
  System box;
  box.levels = {level(8, 448, 1.3, Topology::mesh)};
  const NetworkModel network(box);
  const double two = network.cost(Collective::all_gather, {2, 1}, 1.0_GB).time.base();
  const double eight = network.cost(Collective::all_gather, {8, 1}, 1.0_GB).time.base();
  // 1/2 of the bytes over one link; 7/8 over seven.
  EXPECT_NEAR(two / eight, 0.5 / (0.875 / 7), 0.1);
}

TEST(Collective, a_torus_uses_the_links_of_the_extents_that_it_spans) {
  const NetworkModel network(torus({4, 4, 4}));
  const GroupPlace line = network.place(Group{4, 1});
  const GroupPlace cube = network.place(Group{64, 1});
  EXPECT_NEAR(line.bandwidth.base(), cube.bandwidth.base() / 3, 1);
  EXPECT_EQ(cube.steps, 9);
}

TEST(Collective, rings_of_unequal_groups_pass_through_the_smallest) {
  const NetworkModel network(cluster(4));
  const std::array<double, 3> unequal{8, 8, 4};
  const std::array<double, 3> equal{8, 8, 8};
  const CollectiveOptions ring{.nvls = false, .tree = false};
  EXPECT_GT(collective_cost(network.place(unequal), Collective::all_reduce, 1.0_GB, ring).time,
            1.5 * collective_cost(network.place(equal), Collective::all_reduce, 1.0_GB, ring).time);
}

TEST(CollectiveForm, rings_direct_exchange_and_halving_move_the_least) {
  for (const double p : {2.0, 3.0, 8.0, 64.0}) {
    for (const auto algorithm :
         {CollectiveAlgorithm::ring, CollectiveAlgorithm::two_shot, CollectiveAlgorithm::halving}) {
      EXPECT_DOUBLE_EQ(collective_form(algorithm, Collective::all_reduce, p)->volume,
                       least_volume(Collective::all_reduce, p));
    }
    EXPECT_DOUBLE_EQ(
        collective_form(CollectiveAlgorithm::one_shot, Collective::all_reduce, p)->volume, p - 1);
  }
}

TEST(Diagnosis, names_the_setting_that_the_times_were_made_with) {
  const NetworkModel network(cluster(2));
  std::vector<MeasuredCollective> good;
  std::vector<MeasuredCollective> one_port;
  GroupPlace narrow = network.place(Group{16, 1});
  narrow.out *= 1.0 / 8;
  narrow.port *= 1.0 / 8;
  narrow.spread *= 1.0 / 8;
  for (double bytes = 0x1p20; bytes < 0x1p34; bytes *= 2) {
    good.push_back(
        {Bytes{bytes}, network.cost(Collective::all_reduce, {16, 1}, Bytes{bytes}).time});
    one_port.push_back(
        {Bytes{bytes}, collective_cost(narrow, Collective::all_reduce, Bytes{bytes}).time});
  }
  EXPECT_EQ(explain_collectives(network, Collective::all_reduce, {16, 1}, good).front().name,
            "as expected");
  EXPECT_EQ(explain_collectives(network, Collective::all_reduce, {16, 1}, one_port).front().name,
            "one network port a node instead of all");
}

}  // namespace
}  // namespace fastpath

#include "model/kernel_time.h"

#include <gtest/gtest.h>

#include "model/device_model.h"

namespace fastpath {
namespace {

Device device_of(double peak, double bandwidth, const char* units) {
  Device device;
  device.id = "test";
  device.kind = "gpu";
  device.units = units;
  device.peaks.push_back({NumberFormat::bf16, {}, {}});
  device.peaks.back().rate.value = FlopsPerSecond{peak};
  device.peaks.push_back({NumberFormat::fp32, {}, {}});
  device.peaks.back().rate.value = FlopsPerSecond{peak / 16};
  Memory memory;
  memory.bandwidth = Figure<BytesPerSecond>{};
  memory.bandwidth->value = BytesPerSecond{bandwidth};
  device.memories.push_back(memory);
  return device;
}

OpShape matmul(double m, double n, double k, OpKind kind = OpKind::matmul, double batch = 1) {
  OpShape shape;
  shape.kind = kind;
  shape.m = m;
  shape.n = n;
  shape.k = k;
  shape.batch = batch;
  shape.work = Flops{2 * m * n * k * batch};
  shape.weights = Bytes{2 * n * k * batch};
  shape.read = shape.weights + Bytes{2 * m * k * batch};
  shape.write = Bytes{2 * m * n * batch};
  return shape;
}

OpShape decode(double batch, double keys, double group = 4) {
  OpShape shape;
  shape.kind = OpKind::attention;
  shape.m = 1;
  shape.n = keys;
  shape.k = 128;
  shape.batch = batch * 32;
  shape.group = group;
  shape.work = Flops{4 * shape.batch * keys * 128};
  shape.read = Bytes{4 * batch * 32 / group * keys * 128};
  shape.write = Bytes{2 * shape.batch * 128};
  return shape;
}

/// No noise of measurement: what is nowhere below the roofline stays there.
TEST(KernelTime, is_never_below_the_roofline) {
  const Device device = device_of(312e12, 2e12, "108 SM");
  const DeviceModel model(device, Execution::graph);
  for (double m = 1; m < 20000; m *= 3) {
    for (double n = 64; n < 40000; n *= 4) {
      for (const double batch : {1.0, 8.0}) {
        for (const OpKind kind : {OpKind::matmul, OpKind::grouped_matmul}) {
          const OpShape shape = matmul(m, n, 4096, kind, batch);
          EXPECT_GE(model.cost(shape).time, model.lower_bound(shape)) << m << ' ' << n;
        }
      }
    }
    EXPECT_GE(model.cost(decode(m, 2048)).time, model.lower_bound(decode(m, 2048)));
  }
}

TEST(KernelTime, is_at_least_a_launch) {
  const Device device = device_of(312e12, 2e12, "108 SM");
  const DeviceModel model(device, Execution::graph);
  const OpShape shape = matmul(1, 1, 1);
  EXPECT_GE(model.cost(shape).time.base(), model.parameters(shape)[KernelParameter::launch]);
}

TEST(KernelTime, grows_with_rows_columns_and_depth) {
  const DeviceRates rates(device_of(312e12, 2e12, "108 SM"));
  const KernelParameters parameters = default_kernel_parameters();
  const auto busy = [&](double m, double n, double k) {
    return kernel_time(rates, parameters, matmul(m, n, k)).busy;
  };
  for (double size = 64; size < 10000; size += 64) {  // rows of a multiple of 16 bytes
    EXPECT_LE(busy(size, 4096, 4096), busy(size + 64, 4096, 4096)) << size;
    EXPECT_LE(busy(512, size, 4096), busy(512, size + 64, 4096)) << size;
    EXPECT_LE(busy(512, 4096, size), busy(512, 4096, size + 64)) << size;
  }
  for (double keys = 64; keys < 100000; keys *= 2) {
    EXPECT_LE(kernel_time(rates, parameters, decode(4, keys)).busy,
              kernel_time(rates, parameters, decode(4, keys * 2)).busy);
  }
}

TEST(KernelTime, a_row_over_a_tile_costs_a_tile) {
  const DeviceRates rates(device_of(312e12, 1e15, "108 SM"));
  KernelParameters parameters = default_kernel_parameters();
  parameters[KernelParameter::stream] = 0.01;
  const auto busy = [&](double m) {
    return kernel_time(rates, parameters, matmul(m, 108 * 256, 8192)).busy;
  };
  EXPECT_GT(busy(257) / busy(256), 1.05);
}

TEST(KernelTime, rows_of_odd_length_lose_the_wide_loads) {
  const DeviceRates rates(device_of(312e12, 1e15, "108 SM"));
  KernelParameters parameters = default_kernel_parameters();
  parameters[KernelParameter::unaligned] = 0.5;
  const auto busy = [&](double n) {
    return kernel_time(rates, parameters, matmul(8192, n, 8192)).busy;
  };
  EXPECT_NEAR(busy(8191) / busy(8192), 2, 0.1);
  EXPECT_LT(busy(8184) / busy(8192), 1.01);
}

TEST(KernelTime, one_long_row_takes_longer_than_one_short_one) {
  const DeviceRates rates(device_of(312e12, 2e12, "108 SM"));
  const KernelParameters parameters = default_kernel_parameters();
  const auto busy = [&](double columns) {
    OpShape shape;
    shape.kind = OpKind::elementwise;
    shape.m = 1;
    shape.read = Bytes{4 * columns};
    shape.write = Bytes{2 * columns};
    return kernel_time(rates, parameters, shape).busy;
  };
  EXPECT_GT(busy(28672) / busy(11008), 2);
}

TEST(KernelTime, experts_that_get_no_rows_are_not_read) {
  const DeviceRates rates(device_of(312e12, 2e12, "108 SM"));
  const KernelParameters parameters = default_kernel_parameters();
  const OpShape few = matmul(1, 4096, 4096, OpKind::grouped_matmul, 2);
  const OpShape many = matmul(1, 4096, 4096, OpKind::grouped_matmul, 64);
  EXPECT_GT(kernel_time(rates, parameters, many).busy / kernel_time(rates, parameters, few).busy,
            20);
}

TEST(KernelTime, queries_that_share_keys_cost_less_than_queries_that_do_not) {
  const DeviceRates rates(device_of(312e12, 2e12, "108 SM"));
  const KernelParameters parameters = default_kernel_parameters();
  EXPECT_LT(kernel_time(rates, parameters, decode(16, 8192, 8)).busy,
            kernel_time(rates, parameters, decode(16, 8192, 1)).busy);
}

TEST(KernelTime, warm_operands_are_faster_only_where_a_cache_holds_them) {
  DeviceRates rates(device_of(312e12, 2e12, "108 SM"));
  rates.cache = Bytes{40e6};
  KernelParameters parameters = default_kernel_parameters();
  parameters[KernelParameter::warm] = 1;
  KernelParameters cold = parameters;
  cold[KernelParameter::warm] = 0;
  const OpShape small = matmul(1, 2048, 2048);
  const OpShape large = matmul(1, 32768, 32768);
  EXPECT_LT(kernel_time(rates, parameters, small).busy / kernel_time(rates, cold, small).busy, 0.7);
  EXPECT_GT(kernel_time(rates, parameters, large).busy / kernel_time(rates, cold, large).busy,
            0.99);
}

TEST(KernelTime, units_are_read_from_the_data_sheets_words) {
  EXPECT_EQ(DeviceRates(device_of(1e14, 1e12, "108 SM")).units, 108);
  EXPECT_EQ(DeviceRates(device_of(1e14, 1e12, "28xSM@1.5GHz")).units, 28);
  EXPECT_EQ(DeviceRates(device_of(1e14, 1e12, "2x56 cores")).units, 112);
  EXPECT_GE(DeviceRates(device_of(1e14, 1e12, "")).units, 1);
  EXPECT_LE(DeviceRates(device_of(1e14, 1e12, "99999999999999999999 x")).units, 1e6);
}

TEST(KernelTime, a_shape_without_sizes_is_one_piece_of_work) {
  const DeviceRates rates(device_of(312e12, 2e12, "108 SM"));
  OpShape shape;
  shape.kind = OpKind::matmul;
  shape.work = Flops{312e12};
  EXPECT_GE(kernel_time(rates, default_kernel_parameters(), shape).busy.base(), 1);
}

}  // namespace
}  // namespace fastpath

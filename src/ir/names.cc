#include "ir/names.h"

namespace fastpath {
namespace {

template <class E, std::size_t N>
using Names = std::array<std::pair<std::string_view, E>, N>;

constexpr Names<DimKind, 15> kDimKinds{{{"batch", DimKind::batch},
                                        {"sequence", DimKind::sequence},
                                        {"context", DimKind::context},
                                        {"hidden", DimKind::hidden},
                                        {"heads", DimKind::heads},
                                        {"kv_heads", DimKind::kv_heads},
                                        {"head_dim", DimKind::head_dim},
                                        {"ffn", DimKind::ffn},
                                        {"vocab", DimKind::vocab},
                                        {"experts", DimKind::experts},
                                        {"top_k", DimKind::top_k},
                                        {"channels", DimKind::channels},
                                        {"spatial", DimKind::spatial},
                                        {"state", DimKind::state},
                                        {"other", DimKind::other}}};

constexpr Names<TensorRole, 5> kTensorRoles{{{"activation", TensorRole::activation},
                                             {"weight", TensorRole::weight},
                                             {"constant", TensorRole::constant},
                                             {"cache", TensorRole::cache},
                                             {"input", TensorRole::input}}};

constexpr Names<OpKind, 23> kOpKinds{{{"matmul", OpKind::matmul},
                                      {"grouped_matmul", OpKind::grouped_matmul},
                                      {"attention", OpKind::attention},
                                      {"convolution", OpKind::convolution},
                                      {"pool", OpKind::pool},
                                      {"softmax", OpKind::softmax},
                                      {"rms_norm", OpKind::rms_norm},
                                      {"layer_norm", OpKind::layer_norm},
                                      {"elementwise", OpKind::elementwise},
                                      {"rope", OpKind::rope},
                                      {"embedding", OpKind::embedding},
                                      {"top_k", OpKind::top_k},
                                      {"dispatch", OpKind::dispatch},
                                      {"combine", OpKind::combine},
                                      {"scan", OpKind::scan},
                                      {"cache_append", OpKind::cache_append},
                                      {"cross_entropy", OpKind::cross_entropy},
                                      {"reduce", OpKind::reduce},
                                      {"copy", OpKind::copy},
                                      {"opaque", OpKind::opaque},
                                      {"host", OpKind::host},
                                      {"branch", OpKind::branch},
                                      {"call", OpKind::call}}};

constexpr Names<DimRole, 8> kDimRoles{{{"absent", DimRole::absent},
                                       {"map", DimRole::map},
                                       {"contract", DimRole::contract},
                                       {"reduce", DimRole::reduce},
                                       {"window", DimRole::window},
                                       {"scan", DimRole::scan},
                                       {"index", DimRole::index},
                                       {"opaque", DimRole::opaque}}};

constexpr Names<Phase, 4> kPhases{{{"training", Phase::training},
                                   {"prefill", Phase::prefill},
                                   {"decode", Phase::decode},
                                   {"forward", Phase::forward}}};

constexpr Names<SegmentUse, 3> kSegmentUses{
    {{"executed", SegmentUse::executed}, {"idle", SegmentUse::idle}, {"draft", SegmentUse::draft}}};

constexpr Names<MeshAxis, 5> kMeshAxisNames{{{"tp", MeshAxis::tensor},
                                             {"cp", MeshAxis::context},
                                             {"ep", MeshAxis::expert},
                                             {"dp", MeshAxis::data},
                                             {"pp", MeshAxis::pipeline}}};

constexpr Names<Recompute, 4> kRecomputes{{{"none", Recompute::none},
                                           {"selective", Recompute::selective},
                                           {"full", Recompute::full},
                                           {"operators", Recompute::operators}}};

constexpr Names<Schedule, 6> kSchedules{{{"gpipe", Schedule::gpipe},
                                         {"1f1b", Schedule::one_f_one_b},
                                         {"interleaved", Schedule::interleaved},
                                         {"zb-h1", Schedule::zb_h1},
                                         {"zb-v", Schedule::zb_v},
                                         {"dualpipe", Schedule::dualpipe}}};

constexpr Names<ContextExchange, 3> kContextExchanges{{{"all_gather", ContextExchange::all_gather},
                                                       {"ring", ContextExchange::ring},
                                                       {"ulysses", ContextExchange::all_to_all}}};

constexpr Names<Execution, 3> kExecutions{
    {{"eager", Execution::eager}, {"compiled", Execution::compiled}, {"graph", Execution::graph}}};

constexpr Names<TablePlacement, 3> kTablePlacements{{{"replicated", TablePlacement::replicated},
                                                     {"rows", TablePlacement::rows},
                                                     {"columns", TablePlacement::columns}}};
constexpr Names<Optimizer, 6> kOptimizers{{{"none", Optimizer::none},
                                           {"sgd", Optimizer::sgd},
                                           {"momentum", Optimizer::momentum},
                                           {"adam", Optimizer::adam},
                                           {"adam-8bit", Optimizer::adam_8bit},
                                           {"muon", Optimizer::muon}}};

constexpr Names<Collective, 8> kCollectives{{{"none", Collective::none},
                                             {"all_reduce", Collective::all_reduce},
                                             {"all_gather", Collective::all_gather},
                                             {"reduce_scatter", Collective::reduce_scatter},
                                             {"all_to_all", Collective::all_to_all},
                                             {"send_recv", Collective::send_recv},
                                             {"broadcast", Collective::broadcast},
                                             {"reduce", Collective::reduce}}};

constexpr Names<HostCopy, 3> kHostCopies{
    {{"none", HostCopy::none}, {"to_host", HostCopy::to_host}, {"from_host", HostCopy::from_host}}};

constexpr Names<CollectiveAlgorithm, 12> kCollectiveAlgorithms{
    {{"none", CollectiveAlgorithm::none},
     {"ring", CollectiveAlgorithm::ring},
     {"tree", CollectiveAlgorithm::tree},
     {"nvls", CollectiveAlgorithm::nvls},
     {"nvls_tree", CollectiveAlgorithm::nvls_tree},
     {"collnet", CollectiveAlgorithm::collnet},
     {"pat", CollectiveAlgorithm::pat},
     {"pairwise", CollectiveAlgorithm::pairwise},
     {"one_shot", CollectiveAlgorithm::one_shot},
     {"two_shot", CollectiveAlgorithm::two_shot},
     {"doubling", CollectiveAlgorithm::doubling},
     {"halving", CollectiveAlgorithm::halving}}};

constexpr Names<CollectiveProtocol, 3> kCollectiveProtocols{{{"simple", CollectiveProtocol::simple},
                                                             {"ll128", CollectiveProtocol::ll128},
                                                             {"ll", CollectiveProtocol::ll}}};

constexpr Names<Pass, 5> kPasses{{{"forward", Pass::forward},
                                  {"recompute", Pass::recompute},
                                  {"backward_input", Pass::backward_input},
                                  {"backward_weight", Pass::backward_weight},
                                  {"update", Pass::update}}};

constexpr Names<KernelClass, kKernelClasses> kKernelClassNames{
    {{"matmul", KernelClass::matmul},
     {"grouped_matmul", KernelClass::grouped_matmul},
     {"attention_prefill", KernelClass::attention_prefill},
     {"attention_decode", KernelClass::attention_decode},
     {"convolution", KernelClass::convolution},
     {"depthwise", KernelClass::depthwise},
     {"convolution_weights", KernelClass::convolution_weights},
     {"recurrent", KernelClass::recurrent},
     {"softmax", KernelClass::softmax},
     {"norm", KernelClass::norm},
     {"elementwise", KernelClass::elementwise}}};
constexpr Names<Bound, 6> kBoundNames{{{"compute", Bound::compute},
                                       {"memory", Bound::memory},
                                       {"cache", Bound::cache},
                                       {"network", Bound::network},
                                       {"launch", Bound::launch},
                                       {"bubble", Bound::bubble}}};

constexpr Names<Topology, 5> kTopologies{{{"switched", Topology::switched},
                                          {"mesh", Topology::mesh},
                                          {"ring", Topology::ring},
                                          {"torus", Topology::torus},
                                          {"bus", Topology::bus}}};

constexpr Names<Origin, 3> kOrigins{{{"predicted", Origin::predicted},
                                     {"simulated", Origin::simulated},
                                     {"measured", Origin::measured}}};

}  // namespace

NameTable<DimKind> names_of(DimKind) { return kDimKinds; }
NameTable<TensorRole> names_of(TensorRole) { return kTensorRoles; }
NameTable<OpKind> names_of(OpKind) { return kOpKinds; }
NameTable<DimRole> names_of(DimRole) { return kDimRoles; }
NameTable<Phase> names_of(Phase) { return kPhases; }
NameTable<SegmentUse> names_of(SegmentUse) { return kSegmentUses; }
NameTable<MeshAxis> names_of(MeshAxis) { return kMeshAxisNames; }
NameTable<Recompute> names_of(Recompute) { return kRecomputes; }
NameTable<Schedule> names_of(Schedule) { return kSchedules; }
NameTable<ContextExchange> names_of(ContextExchange) { return kContextExchanges; }
NameTable<Execution> names_of(Execution) { return kExecutions; }
NameTable<TablePlacement> names_of(TablePlacement) { return kTablePlacements; }
NameTable<Optimizer> names_of(Optimizer) { return kOptimizers; }
NameTable<Collective> names_of(Collective) { return kCollectives; }
NameTable<HostCopy> names_of(HostCopy) { return kHostCopies; }
NameTable<CollectiveAlgorithm> names_of(CollectiveAlgorithm) { return kCollectiveAlgorithms; }
NameTable<CollectiveProtocol> names_of(CollectiveProtocol) { return kCollectiveProtocols; }
NameTable<Pass> names_of(Pass) { return kPasses; }
NameTable<KernelClass> names_of(KernelClass) { return kKernelClassNames; }
NameTable<Bound> names_of(Bound) { return kBoundNames; }
NameTable<Topology> names_of(Topology) { return kTopologies; }
NameTable<Origin> names_of(Origin) { return kOrigins; }
NameTable<NumberFormat> names_of(NumberFormat) { return kNumberFormatNames; }

}  // namespace fastpath

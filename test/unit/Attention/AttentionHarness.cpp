//===- AttentionHarness.cpp - attention kernels, compiled and called --------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Attention/AttentionHarness.h"

#include "compiler/Codegen/Codegen.h"
#include "dialects/KV/KV.h"
#include "dialects/Kern/Kern.h"
#include "passes/Lower/CPU/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"
#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace sinter;
using namespace sinter::test;

Buffer::Buffer(int64_t bytes) {
  bytes = (bytes + 4095) / 4096 * 4096;
  memory = static_cast<uint8_t *>(std::aligned_alloc(4096, bytes));
  std::memset(memory, 0xff, bytes);
}
Buffer::~Buffer() { std::free(memory); }

struct AttentionKernels::Code {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  program::Kernel append[2], attend, merge, read[2];
};

namespace {
/// Operands of every kernel, in this order, then the scalars.
const char *kParameters = R"(%grid: memref<?xi64>, %q0: memref<?xf32>, %k0: memref<?xf32>, %v0: memref<?xf32>, %mask0: memref<?xi64>,
    %slopes: memref<?xf32>, %sinks: memref<?xf32>, %cache: memref<?xi8>, %partials: memref<?xf32>, %o0: memref<?x$OUT>,
    %past: index, %s: index, %t: index, %b: index, %length: index, %begin: index, %end: index, %scratch: memref<?xi8>)";

std::string replaced(std::string text, const std::vector<std::pair<std::string, std::string>> &values) {
  for (const auto &[name, value] : values)
    for (size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size())
      text.replace(at, name.size(), value);
  return text;
}

std::string maskRegion(const std::string &mask) {
  if (mask.empty())
    return "";
  std::string body = " mask {\n^bb0(%sequence: index, %head: index, %token: index, %position: index):\n";
  if (mask != "causal")
    body += R"(
    %m = memref.load %mask[%sequence, %position] : memref<?x?xi64>
    %zero = arith.constant 0 : i64
    %keep = arith.cmpi ne, %m, %zero : i64
)";
  if (mask == "padding")
    body += "kern.yield %keep : i1\n";
  else if (mask == "smallest")
    body += R"(
    %none = arith.constant 0.0 : f32
    %smallest = arith.constant 0xFF7FFFFF : f32
    %bias = arith.select %keep, %none, %smallest : f32
    kern.yield %bias : f32
)";
  else if (mask == "exporter")
    body += R"(
    %none = arith.constant 0.0 : f32
    %smallest = arith.constant 0xFF7FFFFF : f32
    %at = arith.addi %past, %token : index
    %window = arith.constant 100 : index
    %stop = arith.addi %position, %window : index
    %early = arith.cmpi ule, %position, %at : index
    %late = arith.cmpi ugt, %stop, %at : index
    %near = arith.andi %early, %late : i1
    %both = arith.andi %keep, %near : i1
    %bias = arith.select %both, %none, %smallest : f32
    kern.yield %bias : f32
)";
  else if (mask == "causal")
    body += R"(
    %at = arith.addi %past, %token : index
    %keep = arith.cmpi ule, %position, %at : index
    kern.yield %keep : i1
)";
  else
    body += R"(
    %at = arith.addi %past, %token : index
    %distance = arith.subi %position, %at : index
    %i = arith.index_cast %distance : index to i32
    %f = arith.sitofp %i : i32 to f32
    %slope = memref.load %slopes[%head] : memref<?xf32>
    %bias = arith.mulf %f, %slope : f32
    kern.yield %bias, %keep : f32, i1
)";
  return body + "}";
}

std::string source(const AttentionSpec &spec) {
  auto number = [](int64_t n) { return std::to_string(n); };
  std::string attributes = "type = !cache, scale = " + llvm::formatv("{0:E8}", spec.scale).str() + " : f32";
  if (spec.causal)
    attributes += ", causal";
  if (spec.window)
    attributes += ", window = " + number(spec.window);
  if (spec.softcap)
    attributes += ", softcap = " + llvm::formatv("{0:E8}", spec.softcap).str() + " : f32";
  if (spec.outside)
    attributes += ", outside = " + llvm::formatv("{0:E8}", spec.outside).str() + " : f32";
  if (spec.zeroMaskedRows)
    attributes += ", zero_masked_rows";
  std::string text = R"(
!cache = !kv.cache<heads = $KVH, key = $D, value = $E, capacity = $CAP, #kv.blocked<$LAYOUT>>
)";
  auto view = [](std::string name, std::string type, std::string from, std::string tokens, std::string heads, std::string dim) {
    return replaced(R"(
  %row.NAME = arith.constant ROW : index
  %rows.NAME = arith.muli %row.NAME, TOKENS : index
  %NAME = memref.reinterpret_cast FROM to offset: [0], sizes: [%b, TOKENS, HEADS, DIM], strides: [%rows.NAME, ROW, DIM, 1]
      : memref<?xTYPE> to memref<?x?xHEADSxDIMxTYPE>)",
                    {{"NAME", name}, {"TYPE", type}, {"FROM", from}, {"TOKENS", tokens}, {"HEADS", heads}, {"DIM", dim},
                     {"ROW", heads == "$H" ? (dim == "$D" ? "$QROW" : "$OROW") : (dim == "$D" ? "$KROW" : "$VROW")}});
  };
  for (std::string part : {"key", "value"}) {
    std::string dim = part == "key" ? "$D" : "$E", from = part == "key" ? "%k0" : "%v0";
    text += "func.func @append_" + part + "(" + kParameters + ") attributes {kern.kernel} {" +
            view("x", "f32", from, "%length", "$KVH", dim) + R"(
  kern.append range(%begin to %end) cache(%cache : memref<?xi8>) past(%past) tokens(%s) sequences(%b) {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %at = arith.addi %past, %token : index
    %y = memref.load %x[%sequence, %at, %head, %channel] : memref<?x?x$KVHx)" + dim + R"(xf32>
    kern.yield %y : f32
  } {type = !cache, part = #kv.part<)" + part + R"(>}
  return
}
)";
  }
  std::string out = view("o", "$OUT", "%o0", "%s", "$H", "$E");
  text += std::string("func.func @attend(") + kParameters + ") attributes {kern.kernel} {" + out +
          view("q", "f32", "%q0", "%length", "$H", "$D") + R"(
  %mask = memref.reinterpret_cast %mask0 to offset: [0], sizes: [%b, %length], strides: [%length, 1]
      : memref<?xi64> to memref<?x?xi64>
  kern.attention range(%begin to %end) cache(%cache : memref<?xi8>) outs(%o : memref<?x?x$Hx$Ex$OUT>) past(%past) tokens(%s) total(%t)
      sequences(%b) $SINKS $PARTIALS scratch(%scratch : memref<?xi8>) query {
  ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
    %at = arith.addi %past, %token : index
    %x = memref.load %q[%sequence, %at, %head, %channel] : memref<?x?x$Hx$Dxf32>
    kern.yield %x : f32
  } $MASK {$ATTRIBUTES}
  return
}
func.func @merge()" + kParameters + ") attributes {kern.kernel} {" + out + R"(
  kern.attention_merge range(%begin to %end) outs(%o : memref<?x?x$Hx$Ex$OUT>) tokens(%s) total(%t) sequences(%b)
      $SINKS partials(%partials : memref<?xf32>) {type = !cache$ZERO}
  return
}
)";
  text = replaced(text, {{"$SINKS", spec.sinks ? "sinks(%sinks : memref<?xf32>)" : ""},
                         {"$PARTIALS", spec.partials ? "partials(%partials : memref<?xf32>)" : ""},
                         {"$MASK", maskRegion(spec.mask)},
                         {"$ATTRIBUTES", attributes},
                         {"$ZERO", spec.zeroMaskedRows ? ", zero_masked_rows" : ""}});
  return replaced(text,
                  {{"$KVH", number(spec.kvHeads)},
                   {"$KROW", number(spec.kvHeads * spec.keyDim)},
                   {"$VROW", number(spec.kvHeads * spec.valueDim)},
                   {"$QROW", number(spec.heads * spec.keyDim)},
                   {"$OROW", number(spec.heads * spec.valueDim)},
                   {"$CAP", number(spec.capacity)},
                   {"$LAYOUT", spec.layout},
                   {"$OUT", spec.out},
                   {"$H", number(spec.heads)},
                   {"$D", number(spec.keyDim)},
                   {"$E", number(spec.valueDim)}});
}

[[noreturn]] void die(const std::string &text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  std::abort();
}
template <typename T> T orDie(llvm::Expected<T> value) {
  if (!value)
    die(llvm::toString(value.takeError()));
  return std::move(*value);
}
void orDie(llvm::Error error) {
  if (error)
    die(llvm::toString(std::move(error)));
}

/// Adds functions that copy the cache to plain memory, `@read_key` and `@read_value`, and has each kernel report its grid.
void complete(ModuleOp module, kv::CacheType type, int64_t &scratchBytes) {
  auto reportGrid = [](kern::KernelOpInterface op) {
    OpBuilder builder(op);
    Location loc = op.getLoc();
    Value grid = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), op.buildGrid(builder));
    Value memory = op->getParentOfType<func::FuncOp>().getArgument(0);
    memref::StoreOp::create(builder, loc, grid, memory, ValueRange{arith::ConstantIndexOp::create(builder, loc, 0)});
  };
  module.walk([&](kern::KernelOpInterface op) {
    scratchBytes = std::max(scratchBytes, op.getScratchBytes());
    reportGrid(op);
  });
  auto attend = module.lookupSymbol<func::FuncOp>("attend");
  for (kv::Part part : {kv::Part::Key, kv::Part::Value}) {
    OpBuilder builder(attend);
    Location loc = module.getLoc();
    auto read = func::FuncOp::create(builder, loc, ("read_" + kv::stringifyPart(part)).str(), attend.getFunctionType());
    read->setAttr("kern.kernel", builder.getUnitAttr());
    builder.setInsertionPointToStart(read.addEntryBlock());
    auto arg = [&](unsigned i) -> Value { return read.getArgument(i); };
    auto index = [&](int64_t i) -> Value { return arith::ConstantIndexOp::create(builder, loc, i); };
    Value cache = arg(7), to = arg(part == kv::Part::Key ? 2 : 3), total = arg(12), sequences = arg(13);
    Value elements = type.emitElements(builder, loc, cache);
    int64_t dim = type.getDim(part), heads = type.getHeads(), any = ShapedType::kDynamic;
    Value headSize = arith::MulIOp::create(builder, loc, total, index(dim));
    Value sequenceSize = arith::MulIOp::create(builder, loc, headSize, index(heads));
    OpFoldResult one = builder.getIndexAttr(1), zero = builder.getIndexAttr(0);
    SmallVector<OpFoldResult> shape = {sequences, builder.getIndexAttr(heads), total, builder.getIndexAttr(dim)};
    Value plain = memref::ReinterpretCastOp::create(
        builder, loc,
        MemRefType::get({any, heads, any, dim}, builder.getF32Type(),
                        StridedLayoutAttr::get(builder.getContext(), 0, {any, any, dim, 1})),
        to, zero, shape, {sequenceSize, headSize, builder.getIndexAttr(dim), one});
    auto generate = kern::GenerateOp::create(
        builder, loc, arg(15), arg(16), shape, plain, [&](OpBuilder &builder, Location loc, ValueRange at) {
          Value from = type.emitElement(builder, loc, part, at[0], at[1], at[2], at[3]);
          Value x = memref::LoadOp::create(builder, loc, elements, ValueRange{from});
          if (!x.getType().isF32())
            x = arith::ExtFOp::create(builder, loc, builder.getF32Type(), x);
          kern::YieldOp::create(builder, loc, x);
        });
    reportGrid(generate);
    func::ReturnOp::create(builder, loc);
  }
}
} // namespace

AttentionKernels::AttentionKernels(const AttentionSpec &spec) : spec(spec), code(std::make_unique<Code>()) {
  static DialectRegistry *registry = [] {
    auto *all = new DialectRegistry;
    registerAllDialects(*all);
    all->insert<kv::KVDialect, kern::KernDialect>();
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return all;
  }();
  MLIRContext context(*registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  std::string text = source(spec);
  auto module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    die(text);
  kv::CacheType type;
  module->walk([&](kern::AttentionOp op) { type = op.getType(); });
  sequenceBytes = type.getSequenceBytes();
  partialBytesPerSequence = kern::attentionPartialBytes(type, spec.heads, 1, spec.capacity);
  complete(*module, type, scratchBytes);
  TargetSpec target = orDie(resolveTarget(spec.cpu));
  setTarget(*module, target);
  PassManager passes(&context);
  passes.addNestedPass<func::FuncOp>(lower::createKernLower());
  addLoweringPasses(passes);
  if (failed(passes.run(*module)))
    die(text);
  if (const char *path = std::getenv("SINTER_DUMP")) {
    std::error_code error;
    llvm::raw_fd_ostream os(path, error);
    orDie(printLLVM(*module, target, /*optimize=*/true, os));
  }
  code->jit = orDie(llvm::orc::LLJITBuilder().create());
  for (auto &object : orDie(emitObjects(*module, target, 1)))
    orDie(code->jit->addObjectFile(std::move(object)));
  auto find = [&](const char *name) {
    auto &session = code->jit->getExecutionSession();
    auto symbol = orDie(session.lookup({{&code->jit->getMainJITDylib(), llvm::orc::JITDylibLookupFlags::MatchAllSymbols}},
                                       code->jit->mangleAndIntern(name)));
    return symbol.getAddress().toPtr<program::Kernel>();
  };
  code->append[0] = find("append_key");
  code->append[1] = find("append_value");
  code->attend = find("attend");
  code->merge = find("merge");
  code->read[0] = find("read_key");
  code->read[1] = find("read_value");
}

AttentionKernels::~AttentionKernels() = default;

namespace {
struct Arguments {
  int64_t grid = -1;
  char *operands[10];
  int64_t scalars[5];

  Arguments(const AttentionCall &call, Buffer *partials)
      : operands{reinterpret_cast<char *>(&grid), pointer(call.q), pointer(call.k), pointer(call.v), pointer(call.mask),
                 pointer(call.slopes), pointer(call.sinks), pointer(call.cache),
                 partials ? reinterpret_cast<char *>(partials->data()) : nullptr, pointer(call.out)},
        scalars{call.past, call.tokens, call.total, call.sequences, call.length} {}
  static char *pointer(const void *p) { return static_cast<char *>(const_cast<void *>(p)); }
};
} // namespace

static int64_t gridOf(program::Kernel kernel, Arguments arguments) {
  arguments.operands[0] = reinterpret_cast<char *>(&arguments.grid);
  kernel(arguments.operands, arguments.scalars, 0, 0, nullptr);
  return arguments.grid;
}

void AttentionKernels::reserve(int64_t sequences) {
  if (!spec.partials || partialSequences >= sequences)
    return;
  partialSequences = sequences;
  partials = std::make_unique<Buffer>(partialBytesPerSequence * sequences);
}

void AttentionKernels::run(program::Kernel kernel, const AttentionCall &call, int64_t pieces) {
  reserve(call.sequences);
  Arguments arguments(call, partials.get());
  int64_t items = gridOf(kernel, arguments);
  pieces = std::max<int64_t>(1, std::min(pieces, items));
  for (int64_t piece = pieces - 1; piece >= 0; --piece) {
    Buffer scratch(scratchBytes + 64);
    kernel(arguments.operands, arguments.scalars, items * piece / pieces, items * (piece + 1) / pieces,
           reinterpret_cast<char *>(scratch.data()));
  }
}

void AttentionKernels::append(const AttentionCall &call, int64_t pieces) {
  for (program::Kernel kernel : code->append)
    run(kernel, call, pieces);
}

void AttentionKernels::attend(const AttentionCall &call, int64_t pieces) {
  run(code->attend, call, pieces);
  if (spec.partials)
    run(code->merge, call, pieces);
}

int64_t AttentionKernels::attendGrid(const AttentionCall &call) const { return gridOf(code->attend, {call, partials.get()}); }
int64_t AttentionKernels::mergeGrid(const AttentionCall &call) const {
  return spec.partials ? gridOf(code->merge, {call, partials.get()}) : 0;
}
void AttentionKernels::attendRange(const AttentionCall &call, int64_t begin, int64_t end, uint8_t *scratch) const {
  Arguments arguments(call, partials.get());
  code->attend(arguments.operands, arguments.scalars, begin, end, reinterpret_cast<char *>(scratch));
}
void AttentionKernels::mergeRange(const AttentionCall &call, int64_t begin, int64_t end) const {
  Arguments arguments(call, partials.get());
  code->merge(arguments.operands, arguments.scalars, begin, end, nullptr);
}

std::vector<float> AttentionKernels::exportPlain(const AttentionCall &call, const std::string &part) {
  bool key = part == "key";
  std::vector<float> plain(call.sequences * spec.kvHeads * call.total * (key ? spec.keyDim : spec.valueDim));
  AttentionCall copy = call;
  (key ? copy.k : copy.v) = plain.data();
  run(code->read[key ? 0 : 1], copy, 3);
  return plain;
}

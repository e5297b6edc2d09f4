//===- Materialize.cpp - which tensors get memory -----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Fuse/Materialize.h"
#include "dialects/Graph/Graph.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace sinter::fuse {
namespace {

/// Work of one element: operations, with functions such as exp as many.
constexpr int64_t kCheap = 6, kFunction = 12, kMostInlined = 96;

/// Who reads a tensor, also through views of it.
void collectReaders(Value tensor, SmallVectorImpl<Operation *> &readers) {
  for (Operation *user : tensor.getUsers()) {
    if (isa<graph::BindOp>(user))
      continue;
    if (isa<tensor::ReshapeOp, tensor::BitcastOp>(user)) {
      collectReaders(user->getResult(0), readers);
      continue;
    }
    // An extract reads for the generate around it.
    if (auto generate = user->getParentOfType<tensor::GenerateOp>())
      user = generate;
    if (!llvm::is_contained(readers, user))
      readers.push_back(user);
  }
}

bool viewed(Value tensor) {
  return llvm::any_of(tensor.getUsers(), [](Operation *user) { return isa<tensor::ReshapeOp, tensor::BitcastOp>(user); });
}

/// Whether the generate reads `tensor` nowhere but at its own index, and has its shape; `reads` says whether it reads it at all.
bool readsInPlace(tensor::GenerateOp generate, Value tensor, graph::Shapes &shapes, bool &reads) {
  ArrayRef<graph::SymExpr> mine = shapes.of(generate.getResult()), other = shapes.of(tensor);
  bool inPlace = mine.size() == other.size();
  for (size_t d = 0; inPlace && d < mine.size(); ++d)
    inPlace = shapes.symbols.equal(mine[d], other[d]);
  reads = false;
  generate.getBody().walk([&](tensor::ExtractOp extract) {
    if (extract.getTensor() != tensor)
      return;
    reads = true;
    for (auto [index, argument] : llvm::zip(extract.getIndices(), generate.getBody().getArguments())) {
      auto size = shapes.symbols.resolve(shapes.of(tensor)[argument.getArgNumber()]);
      inPlace &= index == Value(argument) || size.is(1);
    }
    // A branch would have to be taken behind the root for some elements only.
    inPlace &= extract->getParentOp() == generate.getOperation();
  });
  return inPlace || !reads;
}

/// Work of an element, without what it reads.
int64_t ownWork(tensor::GenerateOp generate, bool &arithmetic) {
  int64_t work = 0;
  arithmetic = false;
  generate.getBody().walk([&](Operation *op) {
    if (isa<math::MathDialect>(op->getDialect()) && !isa<math::AbsFOp, math::RoundEvenOp>(op)) {
      work += kFunction;
      arithmetic = true;
    } else if (isa<arith::DivFOp>(op)) {
      work += 4;
      arithmetic = true;
    } else if (isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::NegFOp, arith::MaximumFOp, arith::MinimumFOp>(op)) {
      ++work;
      arithmetic = true;
    } else if (isa<arith::DivUIOp, arith::RemUIOp>(op)) {
      work += 2;
    }
  });
  return work;
}

/// From `first`, which is computed behind a root, to the last generate that only it leads to, element by element: an activation that an exporter
/// took apart. Those before the last are added to `chain`: nobody else reads them.
tensor::GenerateOp endOfChain(tensor::GenerateOp first, const Materialization &m, graph::Shapes &shapes, llvm::DenseSet<Operation *> &chain) {
  bool arithmetic;
  llvm::DenseMap<Operation *, int64_t> cost{{first, ownWork(first, arithmetic)}};
  SmallVector<tensor::GenerateOp> members{first};
  size_t last = 0;
  auto end = [&] {
    chain.insert(members.begin(), members.begin() + last);
    return members[last];
  };
  while (true) {
    // Who reads a member from outside: where that is the newest one's alone, it can be the last.
    tensor::GenerateOp next;
    bool goesOn = true, closed = true;
    for (tensor::GenerateOp member : members) {
      SmallVector<Operation *> readers;
      collectReaders(member.getResult(), readers);
      for (Operation *reader : readers) {
        if (cost.contains(reader))
          continue;
        closed &= member == members.back();
        auto generate = dyn_cast<tensor::GenerateOp>(reader);
        goesOn &= generate && !viewed(member.getResult()) && !m.fusedBehind.contains(generate) && !chain.contains(generate);
        if (generate && (!next || generate->isBeforeInBlock(next)))
          next = generate;
      }
    }
    if (closed && members.back().getType().getElementType() == first.getType().getElementType())
      last = members.size() - 1;
    if (!next || !goesOn)
      return end();
    int64_t work = ownWork(next, arithmetic);
    for (tensor::GenerateOp member : members) {
      bool reads;
      if (!readsInPlace(next, member.getResult(), shapes, reads))
        return end();
      next.getBody().walk([&](tensor::ExtractOp extract) { work += extract.getTensor() == member.getResult() ? cost[member] : 0; });
    }
    if (work > kMostInlined)
      return end();
    cost[next] = work;
    members.push_back(next);
  }
}

/// Whether a linear can be computed by the kernel of another.
bool isLike(graph::LinearOp a, graph::LinearOp b) {
  return a.getInput() == b.getInput() && a.getWeight().getType() == b.getWeight().getType() && a.getActivation() == b.getActivation() &&
         a.getParams() == b.getParams();
}

/// What `last`, which is computed behind a linear, is made of: generates and linears like that one that lead to it alone, element by element. A
/// gate and what it gates meet so; then one kernel computes both, and only their product gets memory.
class Meeting {
public:
  Meeting(tensor::GenerateOp last, graph::LinearOp root, Materialization &m, graph::Shapes &shapes) : last(last), root(root), m(m), shapes(shapes) {
    members.insert(last);
    // A member's readers must be members: one whose readers are found later is met again.
    for (size_t known = 0; known != members.size() && known < size_t(kMostInlined);) {
      known = members.size();
      for (size_t i = 0; i < known; ++i)
        if (auto generate = dyn_cast<tensor::GenerateOp>(members[i]))
          generate.getBody().walk([&](tensor::ExtractOp extract) { consider(extract.getTensor()); });
    }
  }

  /// Joins the linears, where there are any; what is on the way to them is added to `chain`.
  void join(llvm::DenseSet<Operation *> &chain) {
    SmallVector<Operation *> inOrder(members.begin(), members.end());
    llvm::sort(inOrder, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    SmallVector<Operation *, 1> linears;
    SmallVector<Operation *> between;             // from a linear to the last
    llvm::DenseMap<Operation *, int64_t> work; // of an element, with all that is computed for it here
    for (Operation *member : inOrder) {
      if (Operation *other = m.fusedBehind.lookup(member); other && !members.contains(other))
        return;
      auto generate = dyn_cast<tensor::GenerateOp>(member);
      if (!generate) {
        if (member != root)
          linears.push_back(member);
        continue;
      }
      bool arithmetic, leads = false;
      int64_t &sum = work[member];
      sum = ownWork(generate, arithmetic);
      generate.getBody().walk([&](tensor::ExtractOp extract) {
        Operation *producer = extract.getTensor().getDefiningOp();
        leads |= members.contains(producer) && (isa<graph::LinearOp>(producer) || llvm::is_contained(between, producer));
        sum = std::min(sum + work.lookup(producer), kMostInlined + 1);
      });
      if (leads)
        between.push_back(member);
    }
    if (linears.empty() || work[last] > kMostInlined)
      return;
    for (Operation *member : between) {
      if (member == last)
        continue;
      m.fusedBehind.erase(member);
      m.kept.erase(member);
      chain.insert(member);
    }
    m.fusedRoots.insert(linears.begin(), linears.end());
    m.joined[root] = linears;
  }

private:
  bool isLikeRoot(Operation *op) {
    auto linear = dyn_cast_or_null<graph::LinearOp>(op);
    return linear && isLike(linear, root) && !m.joined.contains(op);
  }

  void consider(Value tensor) {
    Operation *producer = tensor.getDefiningOp();
    if (!producer || members.contains(producer) || viewed(tensor))
      return;
    if (isa<tensor::GenerateOp>(producer) ? m.fusedBehind.contains(producer) && !isLikeRoot(m.fusedBehind.lookup(producer)) : !isLikeRoot(producer))
      return;
    SmallVector<Operation *> readers;
    collectReaders(tensor, readers);
    bool reads;
    for (Operation *reader : readers)
      if (!members.contains(reader) || !readsInPlace(cast<tensor::GenerateOp>(reader), tensor, shapes, reads))
        return;
    members.insert(producer);
  }

  tensor::GenerateOp last;
  graph::LinearOp root;
  Materialization &m;
  graph::Shapes &shapes;
  llvm::SetVector<Operation *> members;
};

} // namespace

Materialization chooseMaterialized(func::FuncOp func, graph::Shapes &shapes) {
  Materialization m;
  llvm::DenseSet<Operation *> chain;
  Block &body = func.getBody().front();
  // First: what is computed behind a root. The root's only reader must be the generate, which comes later.
  for (Operation &op : body) {
    if (!isa<graph::LinearOp, graph::NormOp, graph::SoftmaxOp, graph::ReduceOp, graph::MatMulOp>(op))
      continue;
    Value root = op.getResult(0);
    SmallVector<Operation *> readers;
    collectReaders(root, readers);
    if (readers.size() != 1 || viewed(root))
      continue;
    auto generate = dyn_cast<tensor::GenerateOp>(readers.front());
    bool reads;
    if (!generate || m.fusedBehind.contains(generate) || chain.contains(generate) || !readsInPlace(generate, root, shapes, reads) || !reads)
      continue;
    generate = endOfChain(generate, m, shapes, chain);
    m.fusedBehind[generate] = &op;
    m.fusedRoots.insert(&op);
    m.kept.insert(generate);
  }
  for (auto generate : body.getOps<tensor::GenerateOp>())
    if (auto root = dyn_cast_or_null<graph::LinearOp>(m.fusedBehind.lookup(generate)))
      Meeting(generate, root, m, shapes).join(chain);
  llvm::SmallDenseSet<int64_t> presents;
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    if (auto result = func.getArgAttrOfType<IntegerAttr>(i, "graph.state"); result && func.getArgAttr(i, "kv.cache"))
      presents.insert(result.getInt());
  // Then the rest, producers first.
  llvm::DenseMap<Operation *, int64_t> cost;
  for (auto generate : body.getOps<tensor::GenerateOp>()) {
    if (m.kept.contains(generate) || chain.contains(generate))
      continue;
    bool arithmetic;
    int64_t work = ownWork(generate, arithmetic), loads = 0;
    generate.getBody().walk([&](tensor::ExtractOp extract) {
      ++loads;
      Value source = extract.getTensor();
      while (auto view = source.getDefiningOp<tensor::ReshapeOp>())
        source = view.getSource();
      if (auto producer = source.getDefiningOp<tensor::GenerateOp>(); producer && !m.kept.contains(producer))
        work += cost.lookup(producer);
    });
    SmallVector<Operation *> readers;
    collectReaders(generate.getResult(), readers);
    bool keep = false;
    graph::SymExpr mine = shapes.symbols.resolve(shapes.elements(generate.getResult()));
    bool replicated = readers.size() > 1;
    for (Operation *reader : readers) {
      if (isa<func::ReturnOp>(reader)) {
        // A present of the session's is asked for as a state.
        keep |= llvm::any_of(reader->getOpOperands(), [&](OpOperand &operand) {
          return operand.get() == generate.getResult() && !presents.contains(operand.getOperandNumber());
        });
      } else if (isa<graph::LinearOp, graph::EmbeddingOp>(reader)) {
        keep = true;
      } else if (isa<graph::MatMulOp>(reader)) {
        replicated = true;
      } else if (auto consumer = dyn_cast<tensor::GenerateOp>(reader)) {
        // A reader that is larger computes an element several times.
        graph::SymExpr theirs = shapes.symbols.resolve(shapes.elements(consumer.getResult()));
        if (!(mine == theirs) && shapes.symbols.bounds(mine).hi < shapes.symbols.bounds(theirs).hi)
          replicated = true;
      }
    }
    if (readers.empty())
      continue;
    keep |= arithmetic && replicated && work > kCheap;
    keep |= work > kMostInlined;
    if (keep)
      m.kept.insert(generate);
    else
      cost[generate] = work + loads;
  }
  return m;
}

} // namespace sinter::fuse

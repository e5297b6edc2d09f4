//===- Linear.cpp - kernels that read packed weights ----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/Panel.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::kern;

LogicalResult LinearStrategyAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t mr, int64_t nr,
                                         int64_t decodeRows, int64_t rowBlock, int64_t segment) {
  if (mr < 1 || mr > 16)
    return emitError() << "expected mr from 1 to 16, but got " << mr;
  if (nr != 1 && nr != 2 && nr != 4)
    return emitError() << "expected nr 1, 2 or 4, but got " << nr;
  if (decodeRows < 0 || decodeRows > mr)
    return emitError() << "expected decode_rows from 0 to mr, but got " << decodeRows;
  if (rowBlock < mr || rowBlock % mr != 0 || rowBlock > 1 << 16)
    return emitError() << "expected a row_block that is a multiple of mr, but got " << rowBlock;
  if (segment < 8 || segment % 8 != 0 || segment > 1 << 16)
    return emitError() << "expected a segment that is a multiple of 8, but got " << segment;
  return success();
}

static Value buildBlocks(OpBuilder &builder, Operation *op, Value rows, int64_t block) {
  Location loc = op->getLoc();
  Value up = arith::AddIOp::create(builder, loc, rows, arith::ConstantIndexOp::create(builder, loc, block - 1));
  return arith::DivUIOp::create(builder, loc, up, arith::ConstantIndexOp::create(builder, loc, block));
}

/// Whether `type` is f32 rows of `columns` (-1: any number): a memref of rank 2 whose rows are contiguous.
static bool isRows(Type type, int64_t columns) {
  auto memref = dyn_cast<MemRefType>(type);
  return memref && memref.getRank() == 2 && memref.getElementType().isF32() && memref.isLastDimUnitStride() &&
         (columns < 0 ? !memref.isDynamicDim(1) : memref.getDimSize(1) == columns);
}

/// Whether `type` is bytes, from an aligned start.
static bool isBytes(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return memref && memref.getRank() == 1 && memref.getElementType().isSignlessInteger(8) &&
         memref.getLayout().isIdentity();
}

static LogicalResult verifyPanel(Operation *op, PanelAttr panel, qt::QuantTensorType type) {
  qt::Fields fields = type.getFields();
  PanelOrder expected = fields.isFloat()   ? PanelOrder::Floats
                        : fields.bits == 4 ? PanelOrder::Nibbles
                                           : PanelOrder::Bytes;
  if (panel.getOrder() != expected)
    return op->emitOpError() << "expected a panel of " << stringifyPanelOrder(expected) << " for " << type;
  if (panel.getChannels() != 64)
    return op->emitOpError() << "expected panels of 64 channels, but got " << panel.getChannels();
  return success();
}

static LogicalResult verifyActivation(Operation *op, qt::QuantTensorType type, qt::ActivationAttr activation) {
  if (!choosePanel(type, activation))
    return op->emitOpError() << "no integer kernel takes " << activation << " with " << type;
  return success();
}

//===----------------------------------------------------------------------===//
// LinearOp
//===----------------------------------------------------------------------===//

void LinearOp::build(OpBuilder &builder, OperationState &state, Value begin, Value end, Value rows, Value input,
                     ValueRange weights, ValueRange outs, Value scratch, qt::QuantTensorType weight, PanelAttr panel,
                     qt::ActivationAttr activation, LinearStrategyAttr strategy, RegionBuilder epilogue) {
  state.addOperands({begin, end, rows, input});
  state.addOperands(weights);
  state.addOperands(outs);
  state.addOperands(scratch);
  Properties &properties = state.getOrAddProperties<Properties>();
  llvm::copy(ArrayRef<int32_t>{1, 1, 1, 1, int32_t(weights.size()), int32_t(outs.size()), 1},
             properties.operandSegmentSizes.begin());
  properties.weight = TypeAttr::get(weight);
  properties.panel = panel;
  properties.activation = activation;
  properties.strategy = strategy;
  Region *region = state.addRegion();
  if (!epilogue)
    return;
  OpBuilder::InsertionGuard guard(builder);
  Type index = builder.getIndexType();
  SmallVector<Type> types(weights.size(), builder.getF32Type());
  types.append({index, index});
  Block *block = builder.createBlock(region, {}, types, SmallVector<Location>(types.size(), state.location));
  epilogue(builder, state.location, block->getArguments());
}

LinearStrategyAttr LinearOp::getStrategyOrDefault() {
  return getStrategyAttr() ? getStrategyAttr() : chooseStrategy(TargetAttr::of(*this), getActivationAttr());
}

Value LinearOp::buildGrid(OpBuilder &builder) {
  Value panels = arith::ConstantIndexOp::create(builder, getLoc(), PanelLayout(getPanel(), getWeightType()).panels);
  Value blocks = buildBlocks(builder, *this, getRows(), getStrategyOrDefault().getRowBlock());
  return arith::MulIOp::create(builder, getLoc(), panels, blocks);
}

int64_t LinearOp::getGrain() {
  // One row costs what reading its weights costs: about 64 KiB is worth a hand-over.
  int64_t bytes = PanelLayout(getPanel(), getWeightType()).panelBytes * getWeights().size();
  return std::max<int64_t>(1, 65536 / bytes);
}

int64_t LinearOp::getScratchBytes() {
  return LinearScratch(PanelLayout(getPanel(), getWeightType()), getActivationAttr(), getStrategyOrDefault(),
                       getWeights().size())
      .bytes;
}

LogicalResult LinearOp::verify() {
  qt::QuantTensorType type = getWeightType();
  if (failed(verifyPanel(*this, getPanel(), type)))
    return failure();
  if (qt::ActivationAttr activation = getActivationAttr()) {
    if (failed(verifyActivation(*this, type, activation)))
      return failure();
    if (activation.getZp() && !getPanel().getSums())
      return emitOpError() << "expected a panel with sums for activations with a zero point";
    if (!isBytes(getInput().getType()))
      return emitOpError() << "expected packed activations of type memref<?xi8>, but got " << getInput().getType();
  } else if (!isRows(getInput().getType(), type.getColumns())) {
    return emitOpError() << "expected an input of type memref<?x" << type.getColumns() << "xf32>, but got "
                         << getInput().getType();
  }
  if (getWeights().empty() || !llvm::all_of(getWeights().getTypes(), isBytes) || !isBytes(getScratch().getType()))
    return emitOpError() << "expected weights and scratch of type memref<?xi8>";
  Block &body = getEpilogue().front();
  size_t sums = getWeights().size();
  bool isOver = body.getNumArguments() == sums + 2;
  for (auto [i, type] : llvm::enumerate(body.getArgumentTypes()))
    isOver &= i < sums ? type.isF32() : type.isIndex();
  if (!isOver)
    return emitOpError() << "expected an epilogue over " << sums << " f32 and two indices";
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != getOuts().size())
    return emitOpError() << "expected an epilogue that yields " << getOuts().size() << " values";
  for (auto [value, out] : llvm::zip(yield.getOperands(), getOuts())) {
    auto memref = cast<MemRefType>(out.getType());
    if (memref.getRank() != 2 || !memref.isLastDimUnitStride() || memref.getElementType() != value.getType() ||
        (!memref.isDynamicDim(1) && memref.getDimSize(1) < type.getRows()))
      return emitOpError() << "expected an output of rows of " << type.getRows() << " " << value.getType()
                           << ", but got " << memref;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// QuantizeRowsOp and RowRangeOp
//===----------------------------------------------------------------------===//

LinearStrategyAttr QuantizeRowsOp::getStrategyOrDefault() {
  return getStrategyAttr() ? getStrategyAttr() : chooseStrategy(TargetAttr::of(*this), getActivation());
}

Value QuantizeRowsOp::buildGrid(OpBuilder &builder) {
  return buildBlocks(builder, *this, getRows(), getStrategyOrDefault().getMr());
}

int64_t QuantizeRowsOp::getGrain() {
  return std::max<int64_t>(1, 16384 / (getWeightType().getColumns() * getStrategyOrDefault().getMr()));
}

int64_t QuantizeRowsOp::getScratchBytes() { return 0; }

LogicalResult QuantizeRowsOp::verify() {
  qt::QuantTensorType type = getWeightType();
  qt::ActivationAttr activation = getActivation();
  if (failed(verifyActivation(*this, type, activation)))
    return failure();
  if (!isRows(getInput().getType(), type.getColumns()))
    return emitOpError() << "expected an input of type memref<?x" << type.getColumns() << "xf32>, but got "
                         << getInput().getType();
  if (!isBytes(getOutput().getType()))
    return emitOpError() << "expected an output of type memref<?xi8>, but got " << getOutput().getType();
  size_t expected = 0;
  if (activation.getScale() == qt::ScaleSource::Static)
    expected = activation.getZp() ? 2 : 1;
  else if (activation.getGranularity() == qt::Granularity::tensor)
    expected = 1;
  if (getParams().size() != expected)
    return emitOpError() << "expected " << expected << " params for " << activation << ", but got "
                         << getParams().size();
  for (auto [index, param] : llvm::enumerate(getParams())) {
    auto memref = cast<MemRefType>(param.getType());
    bool isExtremes = activation.getScale() == qt::ScaleSource::Dynamic;
    bool isValid = index == 1   ? memref.getRank() == 1 && memref.getElementType().isInteger(8)
                   : isExtremes ? isRows(memref, 2)
                                : memref.getRank() == 1 && memref.getElementType().isF32();
    if (!isValid)
      return emitOpError() << "unexpected type of param " << index << ": " << memref;
  }
  return success();
}

Value RowRangeOp::buildGrid(OpBuilder &builder) { return buildBlocks(builder, *this, getRows(), kRangeRows); }

int64_t RowRangeOp::getGrain() {
  return std::max<int64_t>(1, 32768 / (cast<MemRefType>(getInput().getType()).getDimSize(1) * kRangeRows));
}

int64_t RowRangeOp::getScratchBytes() { return 0; }

LogicalResult RowRangeOp::verify() {
  if (!isRows(getInput().getType(), -1))
    return emitOpError() << "expected an input of f32 rows with a static size, but got " << getInput().getType();
  if (!isRows(getOutput().getType(), 2))
    return emitOpError() << "expected an output of type memref<?x2xf32>, but got " << getOutput().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// GatherRowsOp
//===----------------------------------------------------------------------===//

Value GatherRowsOp::buildGrid(OpBuilder &builder) { return getRows(); }

int64_t GatherRowsOp::getGrain() { return std::max<int64_t>(1, 32768 / getWeightType().getColumns()); }

int64_t GatherRowsOp::getScratchBytes() { return 0; }

LogicalResult GatherRowsOp::verify() {
  qt::QuantTensorType type = getWeightType();
  if (failed(verifyPanel(*this, getPanel(), type)))
    return failure();
  auto ids = cast<MemRefType>(getIds().getType());
  if (ids.getRank() != 1 ||
      (!ids.getElementType().isSignlessInteger(32) && !ids.getElementType().isSignlessInteger(64)))
    return emitOpError() << "expected ids of type memref<?xi64> or memref<?xi32>, but got " << ids;
  if (!isBytes(getWeights().getType()))
    return emitOpError() << "expected weights of type memref<?xi8>, but got " << getWeights().getType();
  if (!isRows(getOutput().getType(), type.getColumns()))
    return emitOpError() << "expected an output of type memref<?x" << type.getColumns() << "xf32>, but got "
                         << getOutput().getType();
  return success();
}

//===- Onnx.cpp - the onnx dialect ----------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Onnx/Onnx.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter::onnx;

#include "dialects/Onnx/OnnxDialect.cpp.inc"

#include "dialects/Onnx/OnnxEnums.cpp.inc"

#include "dialects/Onnx/OnnxInterfaces.cpp.inc"

#include "dialects/Onnx/OnnxOpInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Onnx/OnnxAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Onnx/OnnxTypes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Onnx/OnnxOps.cpp.inc"

void OnnxDialect::initialize() {
  files = std::make_unique<FileCache>();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Onnx/OnnxTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Onnx/OnnxAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Onnx/OnnxOps.cpp.inc"
      >();
}

OnnxDialect::~OnnxDialect() = default;

llvm::Expected<ArrayRef<char>> OnnxDialect::read(DataAttr data) {
  return files->read(data.getPath(), data.getOffset(), data.getSize(), data.getEncoding());
}

llvm::Expected<ArrayRef<char>> OnnxDialect::map(StringRef path) {
  llvm::Expected<const MappedFile *> file = files->open(path);
  if (!file)
    return file.takeError();
  return (*file)->bytes();
}

void OnnxDialect::release(DataAttr data) {
  files->release(data.getPath(), data.getOffset(), data.getSize(), data.getEncoding());
}

Operation *OnnxDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type || !cast<ShapedType>(type).hasStaticShape())
    return nullptr;
  return ConstantOp::create(builder, loc, elements, StringAttr());
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

Attribute DataAttr::parse(AsmParser &parser, Type) {
  std::string path;
  uint64_t offset, size;
  if (parser.parseLess() || parser.parseString(&path) || parser.parseComma() || parser.parseInteger(offset) ||
      parser.parseComma() || parser.parseInteger(size))
    return {};
  Encoding encoding = Encoding::raw;
  if (succeeded(parser.parseOptionalComma())) {
    StringRef keyword;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&keyword))
      return {};
    std::optional<Encoding> parsed = symbolizeEncoding(keyword);
    if (!parsed) {
      parser.emitError(loc, "expected an encoding, but got '") << keyword << "'";
      return {};
    }
    encoding = *parsed;
  }
  if (parser.parseGreater())
    return {};
  return get(parser.getContext(), path, offset, size, encoding);
}

void DataAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printer.printString(getPath());
  printer << ", " << getOffset() << ", " << getSize();
  if (getEncoding() != Encoding::raw)
    printer << ", " << stringifyEncoding(getEncoding());
  printer << '>';
}

/// Raw data have a size to compare with the type's; the number of varints is only known to a reader.
static LogicalResult verifySize(llvm::function_ref<InFlightDiagnostic()> emitError, DataAttr data, ShapedType type) {
  std::optional<uint64_t> bytes = getStoredBytes(type);
  if (!bytes)
    return emitError() << "expected a tensor that a file can hold, but got " << type;
  if (data.getEncoding() == Encoding::raw && data.getSize() != *bytes)
    return emitError() << "expected " << *bytes << " bytes for " << type << ", but got " << data.getSize();
  return success();
}

LogicalResult TensorAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, DataAttr data, RankedTensorType type) {
  return verifySize(emitError, data, type);
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// A name that can be a value's in printed IR: paths in exporters' names lose their slashes.
static std::string toValueName(StringRef name) {
  std::string result;
  for (char c : name.ltrim("/"))
    result += llvm::isAlnum(c) || c == '_' || c == '.' ? c : '_';
  if (!result.empty() && llvm::isDigit(result.front()))
    result.insert(result.begin(), '_');
  return result;
}

LogicalResult InitializerOp::verify() { return verifySize([&] { return emitOpError(); }, getData(), getType()); }

void InitializerOp::getAsmResultNames(OpAsmSetValueNameFn setName) { setName(getResult(), toValueName(getName().value_or(""))); }

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

void ConstantOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), getName() ? toValueName(*getName()) : "cst");
}

void NoneOp::getAsmResultNames(OpAsmSetValueNameFn setName) { setName(getResult(), "none"); }

/// Nodes print as their operator: exporters' paths would make lines unreadable, and stand in `name`.
void NodeOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getNumResults())
    setName(getResult(0), toValueName(getOpType()));
}

ParseResult NodeOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr opType;
  SmallVector<OpAsmParser::UnresolvedOperand> inputs;
  FunctionType type;
  SMLoc inputsLoc;
  if (parser.parseAttribute(opType) || parser.getCurrentLocation(&inputsLoc) ||
      parser.parseOperandList(inputs, OpAsmParser::Delimiter::Paren))
    return failure();
  SMLoc dictLoc = parser.getCurrentLocation();
  if (parser.parseOptionalAttrDict(result.attributes) || parser.parseColonType(type) ||
      parser.resolveOperands(inputs, type.getInputs(), inputsLoc, result.operands))
    return failure();
  Attribute attributes = result.attributes.erase("attributes");
  result.addAttribute(getAttrsAttrName(result.name), attributes ? attributes : parser.getBuilder().getDictionaryAttr({}));
  if (failed(verifyInherentAttrs(result.name, result.attributes, [&] { return parser.emitError(dictLoc); })))
    return failure();
  result.addAttribute(getOpTypeAttrName(result.name), opType);
  result.addTypes(type.getResults());
  if (failed(parser.parseOptionalKeyword("regions")))
    return success();
  do {
    if (parser.parseRegion(*result.addRegion()))
      return failure();
  } while (succeeded(parser.parseOptionalComma()));
  return success();
}

void NodeOp::print(OpAsmPrinter &printer) {
  printer << ' ' << getOpTypeAttr() << '(' << getInputs() << ')';
  NamedAttrList dict(getOperation()->getAttrDictionary());
  dict.erase(getOpTypeAttrName());
  if (getDomain().empty())
    dict.erase(getDomainAttrName());
  if (Attribute attributes = dict.erase(getAttrsAttrName()); attributes && !getAttrs().empty())
    dict.set("attributes", attributes);
  printer.printOptionalAttrDict(dict.getAttrs());
  printer << " : ";
  printer.printFunctionalType(getInputs().getTypes(), getResultTypes());
  if (getBodies().empty())
    return;
  printer << " regions ";
  llvm::interleaveComma(getBodies(), printer, [&](Region &body) { printer.printRegion(body); });
}

LogicalResult NodeOp::verify() {
  size_t named = getRegionNames() ? getRegionNames()->size() : 0;
  if (named != getBodies().size())
    return emitOpError() << "expected " << named << " regions, as many as their names, but got " << getBodies().size();
  if (std::optional<ArrayAttr> names = getOutputNames(); names && names->size() != getNumResults())
    return emitOpError() << "expected " << getNumResults() << " output names, but got " << names->size();
  for (Region &body : getBodies())
    if (body.front().empty() || !isa<YieldOp>(body.front().back()))
      return emitOpError() << "expected regions that end in 'onnx.yield'";
  return success();
}

/// Nodes are functions of their inputs, but for those that draw random numbers: two of them are not one.
static bool isRandom(NodeOp node) {
  return node.getDomain().empty() && (node.getOpType().starts_with("Random") || node.getOpType() == "Bernoulli" ||
                                      node.getOpType() == "Multinomial" || node.getOpType() == "Dropout");
}

void NodeOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  WalkResult result = getOperation()->walk([](NodeOp node) { return isRandom(node) ? WalkResult::interrupt() : WalkResult::advance(); });
  if (result.wasInterrupted())
    effects.emplace_back(MemoryEffects::Write::get());
}

int64_t NodeOp::getInt(StringRef name, int64_t defaultValue) {
  auto attr = dyn_cast_or_null<IntegerAttr>(getAttribute(name));
  return attr && attr.getType().isSignlessInteger(64) ? attr.getInt() : defaultValue;
}

double NodeOp::getFloat(StringRef name, double defaultValue) {
  auto attr = dyn_cast_or_null<FloatAttr>(getAttribute(name));
  return attr ? attr.getValueAsDouble() : defaultValue;
}

StringRef NodeOp::getString(StringRef name, StringRef defaultValue) {
  auto attr = dyn_cast_or_null<StringAttr>(getAttribute(name));
  return attr ? attr.getValue() : defaultValue;
}

std::optional<ArrayRef<int64_t>> NodeOp::getInts(StringRef name) {
  auto attr = dyn_cast_or_null<DenseI64ArrayAttr>(getAttribute(name));
  return attr ? std::optional(attr.asArrayRef()) : std::nullopt;
}

std::optional<ArrayRef<float>> NodeOp::getFloats(StringRef name) {
  auto attr = dyn_cast_or_null<DenseF32ArrayAttr>(getAttribute(name));
  return attr ? std::optional(attr.asArrayRef()) : std::nullopt;
}

Value NodeOp::getInputOrNull(unsigned index) {
  if (index >= getInputs().size() || isa<NoneType>(getInputs()[index].getType()))
    return {};
  return getInputs()[index];
}

StringRef NodeOp::getOutputName(unsigned index) {
  std::optional<ArrayAttr> names = getOutputNames();
  return names && index < names->size() ? cast<StringAttr>((*names)[index]).getValue() : StringRef();
}

Region *NodeOp::getBody(StringRef name) {
  if (std::optional<ArrayAttr> names = getRegionNames())
    for (auto [attr, body] : llvm::zip(names->getAsRange<StringAttr>(), getBodies()))
      if (attr.getValue() == name)
        return &body;
  return nullptr;
}

std::string NodeOp::describe() {
  std::string text = (getDomain().empty() ? "" : getDomain().str() + ".") + getOpType().str();
  if (std::optional<StringRef> name = getName(); name && !name->empty())
    text += " \"" + name->str() + "\"";
  return text;
}

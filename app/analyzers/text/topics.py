from app.analysis import Result
def analyse(layer, context): return Result({})

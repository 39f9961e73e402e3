import { crossEntropy, manualSeed, randn } from 'halfgrad';
import { autocast, GradScaler } from 'halfgrad/amp';
import { Linear, ReLU, Sequential } from 'halfgrad/nn';
import { SGD } from 'halfgrad/optim';

manualSeed(1);
const model = new Sequential(new Linear(2, 32), new ReLU(), new Linear(32, 2));
const [optimizer, scaler] = [new SGD(model.parameters(), { lr: 0.5 }), new GradScaler()];
const x = randn([256, 2]);
const y = x.select(1, 0).mul(x.select(1, 1)).greater(0).to('int32');
for (let step = 0; step <= 300; step++) {
  optimizer.zeroGrad();
  const loss = autocast({ dtype: 'float16' }, () => crossEntropy(model.forward(x), y));
  scaler.scale(loss).backward();
  const { stepped, scale } = scaler.step(optimizer);
  scaler.update();
  if (step % 100 === 0) console.log(`step ${step}  loss ${loss.item().toFixed(4)}  scale ${scale}  stepped ${stepped}`);
}

// A panel: Grafana's frame around what its type shows.
import {
  DisplayValueAlignmentFactors,
  FieldDisplay,
  getDisplayValueAlignmentFactors,
  renderMarkdown,
  VizOrientation,
} from '@grafana/data';
import {
  BarGauge,
  BigValue,
  PanelChrome,
  Table,
  TimeSeries,
  VizRepeater,
} from '@grafana/ui';
import { TIME_ZONE, valuesOf } from './fields';
import { Heat } from './heat';
import type { PanelProps } from './picture';

function Words({ panel }: PanelProps) {
  const html = renderMarkdown(panel.options.content);
  return (
    <div className="markdown-html" dangerouslySetInnerHTML={{ __html: html }} />
  );
}

function Numbers(props: PanelProps) {
  const { panel, frames, theme, width, height } = props;
  const { options } = panel;
  const values = valuesOf(panel, frames, theme);
  return (
    <VizRepeater<FieldDisplay>
      width={width}
      height={height}
      source={values}
      getValues={() => values}
      renderCounter={1}
      autoGrid
      orientation={VizOrientation.Auto}
      renderValue={({ value, width, height, count }) => (
        <BigValue
          theme={theme}
          width={width}
          height={height}
          count={count}
          value={value.display}
          sparkline={value.sparkline}
          colorMode={options.colorMode}
          graphMode={options.graphMode}
          justifyMode={options.justifyMode}
          textMode={options.textMode}
          text={options.text}
        />
      )}
    />
  );
}

function Bars(props: PanelProps) {
  const { panel, frames, theme, width, height } = props;
  const { options } = panel;
  const values = valuesOf(panel, frames, theme);
  return (
    <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      width={width}
      height={height}
      source={values}
      getValues={() => values}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderCounter={1}
      itemSpacing={8}
      minVizHeight={16}
      maxVizHeight={options.maxVizHeight ?? 300}
      orientation={options.orientation}
      renderValue={({ value, width, height, alignmentFactors }) => (
        <BarGauge
          theme={theme}
          width={width}
          height={height}
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex!)}
          alignmentFactors={alignmentFactors}
          orientation={options.orientation}
          displayMode={options.displayMode}
          valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement}
          showUnfilled={options.showUnfilled}
        />
      )}
    />
  );
}

function Graph({ panel, frames, timeRange, width, height }: PanelProps) {
  return (
    <TimeSeries
      frames={frames}
      timeRange={timeRange}
      timeZone={TIME_ZONE}
      width={width}
      height={height}
      legend={panel.options.legend}
      options={{}}
    />
  );
}

function Rows({ panel, frames, width, height }: PanelProps) {
  return (
    <Table
      data={frames[panel.options.frameIndex ?? 0]!}
      width={width}
      height={height}
      initialSortBy={panel.options.sortBy}
      noHeader={!panel.options.showHeader}
    />
  );
}

/** What stands in a panel without a series. */
function Nothing({ panel, theme, height }: PanelProps) {
  return (
    <div
      data-nothing={panel.title}
      style={{
        height,
        display: 'flex',
        alignItems: 'center',
        justifyContent: 'center',
        textAlign: 'center',
        color: theme.colors.text.secondary,
      }}
    >
      {panel.fieldConfig?.defaults.noValue ?? 'No data'}
    </div>
  );
}

function Content(props: PanelProps) {
  const { panel, frames } = props;
  switch (panel.type) {
    case 'text':
      return <Words {...props} />;
    case 'stat':
      return <Numbers {...props} />;
  }
  if (frames.every(({ length }) => length === 0)) return <Nothing {...props} />;
  switch (panel.type) {
    case 'bargauge':
      return <Bars {...props} />;
    case 'timeseries':
      return <Graph {...props} />;
    case 'heatmap':
      return <Heat {...props} />;
    case 'table':
      return <Rows {...props} />;
    default:
      throw new Error(`panels of the type ${panel.type} are not drawn`);
  }
}

export function Panel(props: PanelProps) {
  return (
    <PanelChrome
      title={props.panel.title}
      description={props.panel.description}
      width={props.width}
      height={props.height}
      padding={props.panel.type === 'table' ? 'none' : 'md'}
    >
      {(width, height) => (
        <Content {...props} width={width} height={height} />
      )}
    </PanelChrome>
  );
}
